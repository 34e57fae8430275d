"""One operation on a shared store: in turn, through the breaker, within its budget, measured, and never raising."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import structlog

from sonotype.serving.cache.breaker import Breaker
from sonotype.telemetry.metrics import CACHE_BREAKER_OPEN, CACHE_OP_SECONDS

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Unavailable(StrEnum):
    """Why an operation has no reply: it failed, or the breaker kept it from trying."""

    ERROR = "error"
    BYPASS = "bypass"


@dataclass(frozen=True, slots=True)
class Budget:
    """Seconds that each operation may take. A get delays a request, a put does not."""

    get_s: float = 0.05
    lock_s: float = 0.05
    put_s: float = 0.5
    ping_s: float = 0.5


class Guard:
    """Runs operations of one store and turns its failures into values.

    Args:
        tier: name of the store in logs.
        breaker: decides whether to try.
        failures: exceptions that mean "the store is in trouble"; others are bugs and pass through.
        slots: operations of one kind at a time. Waiting for a slot is not held against the store: a burst of our
            own must not look like an outage. When it is one, the breaker soon waves the waiting ones through.
    """

    def __init__(self, tier: str, breaker: Breaker, failures: tuple[type[Exception], ...], *, slots: int) -> None:
        self._tier = tier
        self._slots: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(slots))
        self._breaker = breaker
        self._failures: tuple[type[Exception], ...] = (*failures, OSError, EOFError, TimeoutError)

    async def run(self, op: str, budget_s: float, call: Callable[[], Awaitable[T]]) -> T | Unavailable:
        """Await `call()` for at most `budget_s` seconds; its reply, or why there is none."""
        async with self._slots[op]:
            if not self._breaker.allow():
                return Unavailable.BYPASS
            return await self._tried(op, budget_s, call)

    async def _tried(self, op: str, budget_s: float, call: Callable[[], Awaitable[T]]) -> T | Unavailable:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(budget_s):
                reply = await call()
        except self._failures as error:
            self._report(error)
            return Unavailable.ERROR
        finally:
            CACHE_OP_SECONDS.labels(op).observe(time.perf_counter() - started)
        self._report(None)
        return reply

    def _report(self, error: Exception | None) -> None:
        """Tell the breaker, and log only its changes: an outage is two lines, not one per request."""
        was_open = self._breaker.is_open
        if error is None:
            self._breaker.success()
        else:
            self._breaker.failure()
        CACHE_BREAKER_OPEN.set(self._breaker.is_open)
        if self._breaker.is_open and not was_open:
            log.warning("cache store given up for now", tier=self._tier, error=type(error).__name__)
        elif was_open and not self._breaker.is_open:
            log.info("cache store is back", tier=self._tier)
