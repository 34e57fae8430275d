"""What every cache store can do, and the two habits all of them share: jittered lives and counted lookups."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Protocol

from sonotype.telemetry.metrics import CACHE_LOOKUPS

_counted: ContextVar[bool] = ContextVar("sonotype_cache_counted", default=True)


class CacheStore(Protocol):
    """A place for bytes that may forget anything at any time.

    No method raises because the place behind it is broken, slow or full: a get is then a miss, a put is lost, a
    lock is granted (better to compute twice than not at all). Only cancellation passes through.
    """

    async def get(self, key: str) -> bytes | None:
        """The value under `key`, or None."""

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep `value` for about `ttl_s` seconds; never delays a request."""

    async def try_lock(self, key: str, ttl_s: float) -> bool:
        """Take the advisory lock `key` for at most `ttl_s` seconds; True also where nobody can tell."""

    async def unlock(self, key: str) -> None:
        """Give the lock back, if it is still ours, after the puts that were made before."""

    async def ping(self) -> bool:
        """Whether the place behind the store answers now."""

    async def aclose(self) -> None:
        """Finish what is under way, within seconds, and let go of everything."""


def jittered(ttl_s: float) -> float:
    """`ttl_s` ± 10 %, so that what was written together does not expire together."""
    return ttl_s * random.uniform(0.9, 1.1)  # noqa: S311 - no secret depends on it


@contextlib.contextmanager
def uncounted() -> Iterator[None]:
    """Lookups made inside are left out of the hit ratio: polls for an answer that another process computes."""
    token = _counted.set(False)
    try:
        yield
    finally:
        _counted.reset(token)


def count_lookup(tier: str, result: str) -> None:
    """Record one lookup: `hit`, `miss`, `error` (the store failed) or `bypass` (the breaker is open)."""
    if _counted.get():
        CACHE_LOOKUPS.labels(tier, result).inc()
