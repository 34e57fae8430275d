"""Whether the workers of a pool answer, for how long none has, and who waits for them."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from sonotype.core.errors import Code, SonotypeError
from sonotype.serving.workers.pool import WorkerPool


class Standing:
    """What the batcher knows of the workers of its pool.

    Args:
        pool: the workers.
        clock: seconds, monotonic.
    """

    def __init__(self, pool: WorkerPool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool, self._clock = pool, clock
        self._changed = asyncio.Event()
        self._up = 0
        self._most_recent = 0
        self._down_since = clock()

    def look(self) -> tuple[int, int]:
        """Workers that answer now, and that did when some last did; called whenever capacity came or went."""
        up, before = self._pool.up, self._most_recent
        if self._up and not up:
            self._down_since = self._clock()
        self._up = up
        self._most_recent = up or before
        self._changed.set()
        return up, before

    @property
    def down_s(self) -> float:
        """Seconds without any worker, also before the first came; 0 while one is up."""
        return 0.0 if self._pool.up else self._clock() - self._down_since

    @property
    def away_s(self) -> float:
        """Seconds since the last worker went; 0 while one is up, without end before the first one came."""
        return self.down_s if self._pool.up or self._most_recent else math.inf

    async def wait_ready(self, timeout_s: float) -> None:
        """Wait until a worker is up.

        Raises:
            SonotypeError: UNAVAILABLE when every worker failed to load or the time is over.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not self._pool.up:
                    if all(worker.problem for worker in self._pool.workers):
                        raise self.problem("No worker could be started.")
                    await self._change()
        except TimeoutError:
            raise SonotypeError(Code.UNAVAILABLE, "No worker was ready in time.") from None

    async def wait_every(self, timeout_s: float) -> None:
        """Wait until every worker is up.

        Raises:
            SonotypeError: with the code and the reason of the first that failed to load; UNAVAILABLE when the time is
                over.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while self._pool.up < len(self._pool.workers):
                    if self._pool.problem is not None:
                        raise self._pool.problem
                    await self._change()
        except TimeoutError:
            raise SonotypeError(Code.UNAVAILABLE, "The workers were not ready in time.") from None

    def problem(self, otherwise: str, retry_after_s: float | None = None) -> SonotypeError:
        """UNAVAILABLE, with the reason that a worker gave if one did."""
        known = self._pool.problem
        return SonotypeError(Code.UNAVAILABLE, known.detail if known else otherwise, retry_after_s=retry_after_s)

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
