"""One question to what has to be opened for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

C = TypeVar("C")
T = TypeVar("T")


def run(opened: AbstractAsyncContextManager[C], ask: Callable[[C], Awaitable[T]]) -> T:
    """Open, ask, close."""

    async def asked() -> T:
        async with opened as calls:
            return await ask(calls)

    return asyncio.run(asked())
