"""One question to what has to be opened for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

from sonotype.cli.local import open_plane
from sonotype.cli.rest import Rest, open_rest
from sonotype.cli.wiring import Wiring
from sonotype.core.settings import Settings
from sonotype.plane.catalog.port import CatalogPlane

C = TypeVar("C")
T = TypeVar("T")


def run(opened: AbstractAsyncContextManager[C], ask: Callable[[C], Awaitable[T]]) -> T:
    """Open, ask, close."""

    async def asked() -> T:
        async with opened as calls:
            return await ask(calls)

    return asyncio.run(asked())


@asynccontextmanager
async def open_calls(
    wired: Wiring,
    server: str | None,
    api_key: str | None,
    *,
    remote: Callable[[Rest], C],
    local: Callable[[CatalogPlane], C],
    listens: bool,
) -> AsyncIterator[C]:
    """Calls of a running service, or of the catalogue in this process: with models only where audio is heard."""
    if server:
        async with open_rest(server, api_key) as rest:
            yield remote(rest)
    else:
        async with open_plane(wired, Settings(), with_catalog=True, with_workers=listens) as plane:
            yield local(plane.catalog)
