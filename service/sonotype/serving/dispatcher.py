"""Moves batches from the queues to the workers: the policy decides, the event loop keeps the time."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Protocol

from sonotype.core.types import Lane
from sonotype.serving.gauges import Gauges
from sonotype.serving.policy import BatchPolicy, Capacity, Run, WaitUntil
from sonotype.serving.queues import Batch, Queues, Source
from sonotype.serving.workers.outcome import Outcome
from sonotype.serving.workers.pool import WorkerPool
from sonotype.serving.workers.supervisor import Worker


class Owner(Protocol):
    """Who is told what becomes of the rows."""

    def on_taken(self, source: Source) -> None:
        """Rows of a source went to a worker."""

    def on_expired(self, source: Source) -> None:
        """The deadline of a source passed while rows waited."""

    def on_outcome(self, batch: Batch, began: float, outcome: Outcome) -> None:
        """A batch that was handed over at `began` is over."""


class Dispatcher:
    """The loop around the policy.

    Args:
        pool: the workers.
        policy: decides.
        gauges: told of every batch.
        owner: told of every row.
    """

    def __init__(self, pool: WorkerPool, policy: BatchPolicy, gauges: Gauges, owner: Owner) -> None:
        self.queues = Queues()
        self._pool = pool
        self._policy = policy
        self._gauges = gauges
        self._owner = owner
        self._soon = False
        self._timer: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """Look for work at the end of this turn of the loop; many calls cost one look."""
        if not self._soon:
            self._soon = True
            asyncio.get_running_loop().call_soon(self._pump)

    def stop(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pump(self) -> None:
        """Give every worker that has room its next batch, idle workers first."""
        self._soon = False
        self.stop()
        for prefetch in (False, True):
            for worker in self._pool.workers:
                if worker.has_slot and (worker.in_flight > 0) is prefetch and not self._feed(worker, prefetch):
                    break

    def _feed(self, worker: Worker, prefetch: bool) -> bool:
        """Give one worker its next batch; returns False when there is none to give."""
        now = time.monotonic()
        decision = self._policy.next(now, self.queues, self._capacity(worker, prefetch))
        for source in decision.dropped.expired:
            self._owner.on_expired(source)
        if isinstance(decision, Run):
            self._dispatch(worker, decision.batch, now)
            return True
        if isinstance(decision, WaitUntil) and not prefetch:
            delay_s = max(0.0, decision.when - now)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self.wake)
        return False

    def _capacity(self, worker: Worker, prefetch: bool) -> Capacity:
        return Capacity(
            max_rows=worker.limit.rows,
            budget_s=worker.budget_s,
            workers=self._pool.up,
            bulk_running=self._pool.bulk_running,
            prefetch=prefetch,
        )

    def _dispatch(self, worker: Worker, batch: Batch, now: float) -> None:
        windows = [entry.payload for entry in batch.entries]
        worker.submit(
            batch.key,
            [window.samples for window in windows],
            [window.valid_frames for window in windows],
            partial(self._owner.on_outcome, batch, now),
            bulk=batch.lane is Lane.BULK,
        )
        shape = self._pool.shapes[batch.key.model, batch.key.frontend]
        self._gauges.batch(batch, shape.patch_frames, windows)
        for part in batch.parts:
            self._owner.on_taken(part.source)
