"""One computation per key, many waiters: within this process, and as well as it goes among several."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar, cast

from sonotype.core.errors import Code, SonotypeError
from sonotype.serving.cache.store import CacheStore, uncounted
from sonotype.telemetry.metrics import SINGLEFLIGHT_JOINED

T = TypeVar("T")

# Failures that belong to the caller who happened to lead, not to the audio: the others try for themselves.
PERSONAL = frozenset({Code.CANCELLED, Code.DEADLINE_EXCEEDED, Code.RATE_LIMITED, Code.UNAUTHENTICATED})


class _Flight(Generic[T]):
    """A computation under way and how many wait for it."""

    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        self.waiters = 0


class SingleFlight:
    """Joins callers that want the same thing.

    The computation runs in a task of its own: a caller who is cancelled leaves, the computation goes on while
    anybody waits, and is cancelled when nobody does. Therefore `compute` must hold what it needs (its permit, its
    upload) by itself and not borrow it from the first caller's scope.

    Args:
        store: gives the locks that keep other processes from computing the same.
        lock_ttl_s: a lock whose owner died is free again after this long.
        wait_s: how long to wait for another process before computing here as well.
        poll_s: how often to look for the other process's answer.
    """

    def __init__(
        self, store: CacheStore, *, lock_ttl_s: float = 60.0, wait_s: float = 30.0, poll_s: float = 0.05
    ) -> None:
        self._store = store
        self._lock_ttl_s = lock_ttl_s
        self._wait_s = wait_s
        self._poll_s = poll_s
        self._flights: dict[str, _Flight[Any]] = {}

    async def run(self, key: str, compute: Callable[[], Awaitable[T]], peek: Callable[[], Awaitable[T | None]]) -> T:
        """The value for `key`: computed here, by a caller before us, or by another process.

        Args:
            key: what makes two computations the same one.
            compute: makes the value and puts it into the store before it returns.
            peek: looks the value up in the store; None while it is not there.

        Raises:
            SonotypeError: what the computation raised; a personal failure of somebody else is never passed on.
            asyncio.CancelledError: only when this caller itself is cancelled.
        """
        while True:
            flight, leads = self._join(key, compute, peek)
            try:
                return await self._wait(key, flight)
            except SonotypeError as error:
                if leads or error.code not in PERSONAL:
                    raise

    def _join(
        self, key: str, compute: Callable[[], Awaitable[T]], peek: Callable[[], Awaitable[T | None]]
    ) -> tuple[_Flight[T], bool]:
        found = self._flights.get(key)
        if found is not None:
            SINGLEFLIGHT_JOINED.inc()
            return cast("_Flight[T]", found), False
        flight = _Flight(asyncio.create_task(self._fly(key, compute, peek)))
        self._flights[key] = flight
        flight.task.add_done_callback(lambda task: self._land(key, flight, task))
        return flight, True

    def _land(self, key: str, flight: _Flight[T], task: asyncio.Task[T]) -> None:
        """Forget the flight; look at its error, so that one that nobody waits for is not reported as lost."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not task.cancelled():
            task.exception()

    async def _wait(self, key: str, flight: _Flight[T]) -> T:
        flight.waiters += 1
        try:
            await asyncio.wait({flight.task})
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._flights.pop(key, None)  # a caller who comes now starts anew
                flight.task.cancel()
        if flight.task.cancelled():
            raise SonotypeError(Code.CANCELLED, "The computation was cancelled.")
        return flight.task.result()

    async def _fly(self, key: str, compute: Callable[[], Awaitable[T]], peek: Callable[[], Awaitable[T | None]]) -> T:
        lock = f"{key}:flight"
        ours, found = await self._turn(lock, peek)
        try:
            return await compute() if found is None else found
        finally:
            if ours:
                await self._store.unlock(lock)

    async def _turn(self, lock: str, peek: Callable[[], Awaitable[T | None]]) -> tuple[bool, T | None]:
        """Wait for our turn to compute or for the value, whichever comes first: is the lock ours, and the value.

        A cancellation in here may leave the lock behind; it expires by itself.
        """
        give_up = time.monotonic() + self._wait_s
        joined = False
        while True:
            ours = await self._store.try_lock(lock, self._lock_ttl_s)
            with uncounted():
                # also with the lock in hand: its last owner may have put the value just before letting go
                found = await peek()
            if ours or found is not None or time.monotonic() >= give_up:
                return ours, found
            if not joined:
                SINGLEFLIGHT_JOINED.inc()
                joined = True
            await asyncio.sleep(self._poll_s)
