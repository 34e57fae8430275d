"""The shell around the batch policy: clocks, workers and callers. It runs in the gateway's event loop only."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from sonotype.core.errors import Code, SonotypeError, draining
from sonotype.core.types import Lane, Window
from sonotype.serving import reaction
from sonotype.serving.dispatcher import Dispatcher
from sonotype.serving.gauges import Gauges
from sonotype.serving.item import Item, ItemSpec
from sonotype.serving.poison import Quarantine
from sonotype.serving.policy import BatchPolicy
from sonotype.serving.queues import Batch, Source
from sonotype.serving.rate import ServiceRate
from sonotype.serving.standing import Standing
from sonotype.serving.workers.outcome import Outcome
from sonotype.serving.workers.pool import WorkerPool
from sonotype.serving.workers.served import ServedModel, rows_within
from sonotype.telemetry import metrics

_log = logging.getLogger(__name__)
_BATCHES_QUEUED_PER_ITEM = 2
_HEARTBEAT_S = 1.0
_RETRY_AFTER_S = 2.0
# A worker that died is usually back by then: its callers wait rather than being sent away.
_RESTART_GRACE_S = 1.0

__all__ = ["Batcher", "Item", "ItemSpec"]


class Batcher:
    """Takes windows of many clips, runs them in batches on the pool, gives each clip its own outcome.

    Args:
        pool: the workers; started and stopped by the batcher.
        delay_ms: longest wait for batch-mates, interactive lane.
        delay_bulk_ms: the same, bulk lane.
        quarantine: memory of audio that kills workers.
        rate: seeded from the warm-up and scaled with the number of workers; the one that admission uses.
        down_grace_s: queued work is failed after this long without any worker.
    """

    def __init__(
        self,
        pool: WorkerPool,
        *,
        delay_ms: float = 5.0,
        delay_bulk_ms: float = 50.0,
        quarantine: Quarantine | None = None,
        rate: ServiceRate | None = None,
        down_grace_s: float = 15.0,
    ) -> None:
        self._pool = pool
        policy = BatchPolicy({Lane.INTERACTIVE: delay_ms / 1000, Lane.BULK: delay_bulk_ms / 1000})
        self._gauges = Gauges([model.card.address for model in pool.models])
        self._dispatcher = Dispatcher(pool, policy, self._gauges, self)
        self.queues = self._dispatcher.queues
        self.quarantine = quarantine or Quarantine()
        self.rate = rate or ServiceRate()
        self.draining = False
        self._items: dict[Source, Item] = {}
        self._down_grace_s = down_grace_s
        self._standing = Standing(pool)
        self._left = asyncio.Event()
        self._heartbeat: asyncio.Task[None] | None = None
        self._saves: set[asyncio.Task[None]] = set()

    @property
    def ready(self) -> bool:
        """At least one worker is loaded and nobody asked to stop."""
        return self._pool.up > 0 and not self.draining

    @property
    def workers_up(self) -> int:
        """Workers that answer."""
        return self._pool.up

    @property
    def workers_wanted(self) -> int:
        """Workers that should answer."""
        return len(self._pool.workers)

    @property
    def models(self) -> Sequence[ServedModel]:
        """What the workers load."""
        return self._pool.models

    @property
    def device(self) -> str:
        """The kind of device that the workers run on."""
        return self._pool.workers[0].device.name.partition(":")[0]

    @property
    def queued_audio_s(self) -> float:
        """Seconds of audio that wait for a worker."""
        waiting = sum(entry.cost_s for source in self.queues.sources() for entry in source.waiting)
        return waiting + sum(batch.cost_s for batch in self.queues.retries)

    @property
    def open_items(self) -> int:
        """Items whose context has not been left."""
        return len(self._items)

    async def start(self) -> None:
        """Start the workers and return at once; `wait_ready` waits for the first."""
        self._pool.on_change = self._on_pool_change
        self._pool.start()
        self._heartbeat = asyncio.create_task(self._beat(), name="batcher-heartbeat")

    async def wait_ready(self, timeout_s: float) -> None:
        """Wait until a worker is up.

        Raises:
            SonotypeError: UNAVAILABLE when every worker failed to load or the time is over.
        """
        await self._standing.wait_ready(timeout_s)

    async def wait_every(self, timeout_s: float) -> None:
        """Wait until every worker is up.

        Raises:
            SonotypeError: with the code and the reason of the first that failed to load; UNAVAILABLE when the time is
                over.
        """
        await self._standing.wait_every(timeout_s)

    def stand_by(self) -> None:
        """Leave Prometheus and the shared rate to another batcher: this one is not in service yet, or not any more."""
        self.rate = ServiceRate()
        self._pool.set_in_service(False)
        self._gauges.in_service = False
        if self._heartbeat is not None:
            self._gauges.clear()

    def take_over(self, rate: ServiceRate) -> None:
        """Be the one in service, with the rate that admission uses."""
        self.rate = rate
        self.rate.seed(self._pool.rate())
        self._pool.set_in_service(True)
        self._gauges.in_service = True

    def precision(self, model: str) -> str | None:
        """Arithmetic in which a model (address) is computed; None until a worker is up."""
        return self._pool.precision(model)

    async def drain(self, timeout_s: float) -> None:
        """Refuse new items, let open ones finish for `timeout_s`, fail the rest with DRAINING."""
        self.draining = True
        try:
            async with asyncio.timeout(timeout_s):
                while self._items:
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            self._fail_all(draining())

    async def aclose(self) -> None:
        """Fail what is open and end the workers, also those still loading. May be called twice."""
        self.draining = True
        self._fail_all(draining())
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            await asyncio.gather(self._heartbeat, return_exceptions=True)
        await self._pool.stop()
        self._dispatcher.stop()
        if self._saves:
            await asyncio.wait(self._saves, timeout=1.0)

    @asynccontextmanager
    async def open(self, spec: ItemSpec) -> AsyncIterator[Item]:
        """Open an item; leaving the context abandons what is still queued.

        Raises:
            SonotypeError: DRAINING, UNAVAILABLE, MODEL_NOT_FOUND, QUARANTINED or DEADLINE_EXCEEDED.
        """
        await self._check(spec)
        key = (spec.model, spec.frontend)
        item = Item(spec, self._pool.shapes[key], self._room_for(key, spec.cost_share), self)
        self._items[item.source] = item
        self.queues.open(item.source)
        timer = asyncio.get_running_loop().call_at(spec.deadline, self._expire, item)
        try:
            yield item
        finally:
            timer.cancel()
            self._leave(item)

    async def _check(self, spec: ItemSpec) -> None:
        if self.draining:
            raise draining()
        if (spec.model, spec.frontend) not in self._pool.shapes:
            raise SonotypeError(Code.MODEL_NOT_FOUND, f"{spec.model} with front end {spec.frontend} is not served.")
        if await self.quarantine.holds(spec.sha256, spec.model):
            raise reaction.quarantined()
        if self._standing.away_s > _RESTART_GRACE_S:
            raise self._standing.problem("No worker is available.", _RETRY_AFTER_S)
        if spec.deadline <= time.monotonic():
            raise reaction.too_late()

    def push(self, item: Item, window: Window) -> None:
        """Queue the next row of an item (called by the item)."""
        whole = window.valid_frames >= item.shape.patch_frames
        if not whole and window.fill != item.source.key.fill:
            self._refill(item, window)
        self.queues.push(item.source, item.entry(window, time.monotonic()))
        self.wake()

    def wake(self) -> None:
        """Look for work soon (called by the item)."""
        self._dispatcher.wake()

    def on_taken(self, source: Source) -> None:
        """Part of `dispatcher.Owner`: there is room for more rows."""
        if (item := self._items.get(source)) is not None:
            item.notify()

    def on_expired(self, source: Source) -> None:
        """Part of `dispatcher.Owner`."""
        if (item := self._items.get(source)) is not None:
            self._expire(item)

    def on_outcome(self, batch: Batch, began: float, outcome: Outcome) -> None:
        """Part of `dispatcher.Owner`: every item gets what it is due."""
        reaction.react(self, batch, began, outcome)
        self.wake()

    def fail(self, item: Item, error: SonotypeError, kind: str) -> None:
        """Give an item its error, once, and drop what it has queued."""
        if item.complete:
            return
        item.error = error
        self.queues.close(item.source)
        metrics.ITEM_FAILURES.labels(item.spec.model, kind).inc()
        item.notify()

    def item_of(self, source: Source) -> Item | None:
        """The open item behind a source; None when its caller has left."""
        return self._items.get(source)

    def remember_quarantine(self, item: Item) -> None:
        """Quarantine an item's audio for its model, and write that down in the background."""
        self.quarantine.add(item.spec.sha256, item.spec.model)
        self.save_quarantine()

    def save_quarantine(self) -> None:
        """Write new quarantine entries to the store in the background."""
        task = asyncio.create_task(self.quarantine.save(), name="quarantine-save")
        self._saves.add(task)
        task.add_done_callback(self._saves.discard)

    def _refill(self, item: Item, window: Window) -> None:
        """A short clip is filled by another policy than a tail; it is one window, so the whole item changes key."""
        if item.rows_put:
            raise ValueError("two ways of filling in one item. This is a bug.")
        self.queues.close(item.source)
        del self._items[item.source]
        item.source = Source(replace(item.source.key, fill=window.fill), item.spec.lane, item.spec.deadline)
        self._items[item.source] = item
        self.queues.open(item.source)

    def _expire(self, item: Item) -> None:
        self.fail(item, reaction.too_late(), "deadline")

    def _leave(self, item: Item) -> None:
        """The caller is gone: with its answer, with an error, or early."""
        if not item.complete:
            waiting = bool(item.source.waiting) or item.rows_put == 0
            metrics.ABANDONED.labels("queued" if waiting else "running").inc()
        self.queues.close(item.source)
        self._items.pop(item.source, None)
        self._left.set()
        self.wake()

    def _fail_all(self, error: SonotypeError) -> None:
        for item in list(self._items.values()):
            self.fail(item, error, error.code.value)

    def _on_pool_change(self) -> None:
        up, before = self._standing.look()
        if up != before:
            if up and before and self.rate.per_s:
                self.rate.scale(up / before)
            elif up:
                self.rate.seed(self._pool.rate())
        self.wake()

    async def _beat(self) -> None:
        while True:
            self._gauges.queues(self.queues, time.monotonic())
            if self._standing.down_s > self._down_grace_s:
                self._fail_all(SonotypeError(Code.UNAVAILABLE, "No worker is available.", retry_after_s=_RETRY_AFTER_S))
            await asyncio.sleep(_HEARTBEAT_S)

    def _room_for(self, key: tuple[str, str], cost_share: float) -> int:
        cost_s = self._pool.shapes[key].cost_s * cost_share
        rows = max(rows_within(cost_s, worker.limit.most, worker.budget_s) for worker in self._pool.workers)
        return _BATCHES_QUEUED_PER_ITEM * rows
