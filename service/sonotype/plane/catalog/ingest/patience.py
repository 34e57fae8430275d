"""What a job does where the catalogue says "not now": it waits and asks again, and fails no file for it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, TypeVar

from sonotype.core.errors import Code, SonotypeError

T = TypeVar("T")
_FIRST_S, _MOST_S = 0.25, 30.0
# Somebody else's turn: it comes round.
_BUSY: Final = frozenset({Code.OVERLOADED, Code.RATE_LIMITED})
# Nobody there: perhaps soon, perhaps never.
_AWAY: Final = frozenset({Code.UNAVAILABLE, Code.DRAINING, Code.SOURCE_UNREACHABLE})
# No file can be stored until somebody acts.
_STOPPED: Final = frozenset(
    {Code.UNAUTHENTICATED, Code.FORBIDDEN, Code.INSUFFICIENT_STORAGE, Code.WEIGHTS_MISSING, Code.WEIGHTS_CORRUPT}
)
_TRIES: Final = {Code.DEADLINE_EXCEEDED: 3, Code.UPLOAD_TIMEOUT: 3}


class PausedError(Exception):
    """No file can be stored for now: the job stays as it is and goes on later. `error` says why."""

    def __init__(self, error: SonotypeError) -> None:
        super().__init__(error.detail)
        self.error = error


async def patiently(call: Callable[[], Awaitable[T]], away_s: float) -> T:
    """The answer of `call`, asked again as long as that makes sense, with growing pauses (full jitter from half).

    Args:
        call: begins the work anew each time.
        away_s: seconds after which a service that does not answer counts as gone.

    Raises:
        SonotypeError: what is wrong with this file.
        PausedError: what is wrong with everything.
    """
    began, tries = monotonic(), 0
    while True:
        try:
            return await call()
        except SonotypeError as error:
            tries += 1
            if error.code in _STOPPED or (error.code in _AWAY and monotonic() - began > away_s):
                raise PausedError(error) from None
            if error.code not in _BUSY | _AWAY and tries >= _TRIES.get(error.code, 1):
                raise
            await asyncio.sleep(pause_s(tries, error.retry_after_s))


def pause_s(tries: int, asked_s: float | None) -> float:
    """How long to wait after so many tries: what the service asked for, or twice as long each time."""
    most = min(_MOST_S, _FIRST_S * 2.0 ** min(tries - 1, 16))
    return max(asked_s or 0.0, most * random.uniform(0.5, 1.0))  # noqa: S311 - spreads callers, guards nothing
