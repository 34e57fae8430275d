"""One worker: a place on a device whose process is replaced when it dies, and the ledger of what it holds."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sonotype.core.types import Floats
from sonotype.serving.devices import Device
from sonotype.serving.queues import BatchKey
from sonotype.serving.workers.limits import RowLimit
from sonotype.serving.workers.outcome import DeathReason, Died, Done, Outcome, Raised
from sonotype.serving.workers.process import ChildProcess
from sonotype.serving.workers.served import SLOTS, ServedModel, Shape, geometry, rows_within
from sonotype.serving.workers.slab import Slab, create_memfd
from sonotype.serving.workers.wire import Message
from sonotype.telemetry import metrics

_log = logging.getLogger(__name__)
_BACKOFF_FIRST_S = 0.05
_BACKOFF_MOST_S = 30.0
_END_GRACE_S = 2.0
_REAP_GRACE_S = 0.5  # enough to exit with its own code once the channel is closed


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What all workers of a pool share.

    Attributes:
        models: what is served.
        loader: `module:function` with the signature of `models.runtime.load`.
        batch_timeout_s: a batch that runs longer is a hang.
        start_timeout_s: loading and warm-up that take longer are a hang.
        environment: additions to the process environment.
    """

    models: Sequence[ServedModel]
    shapes: Mapping[tuple[str, str], Shape]
    loader: str
    batch_timeout_s: float
    start_timeout_s: float
    environment: Mapping[str, str]


@dataclass(slots=True, eq=False)
class Flight:
    """A batch that a worker holds."""

    number: int
    slot: int
    rows: int
    bulk: bool
    shape: Shape
    on_outcome: Callable[[Outcome], None]


class Worker:
    """Supervises one process.

    Args:
        index: number of the worker, a metric label.
        device: where it runs.
        max_rows: most rows in a batch.
        budget_s: most seconds of audio in a batch.
        config: what it shares with its siblings.
        on_change: called when capacity came or went.
    """

    def __init__(
        self,
        index: int,
        device: Device,
        *,
        max_rows: int,
        budget_s: float,
        config: WorkerConfig,
        on_change: Callable[[], None],
    ) -> None:
        self.index = index
        self.device = device
        self.limit = RowLimit(max_rows)
        self.budget_s = budget_s
        self.up = False
        self.rates: dict[str, float] = {}
        self.precisions: dict[str, str] = {}
        self.problem: str | None = None
        self.restarts = 0
        self._config = config
        self._on_change = on_change
        self._geometry = geometry(config.shapes.values(), max_rows, budget_s)
        self._slab_fd = create_memfd(self._geometry)
        self._slab = Slab(self._slab_fd, self._geometry)
        self._ledger: deque[Flight] = deque()
        self._free_slots = list(range(SLOTS))
        self._next_number = 0
        self._child: ChildProcess | None = None
        self._lost = asyncio.Event()
        self._ready = asyncio.Event()
        self._why: DeathReason = "crash"
        self._failures = 0
        self._hang_timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """Process id of the present child, 0 if there is none."""
        return self._child.pid if self._child is not None else 0

    @property
    def in_flight(self) -> int:
        """Batches it holds."""
        return len(self._ledger)

    @property
    def has_slot(self) -> bool:
        """Whether it takes one more batch now."""
        return self.up and bool(self._free_slots)

    @property
    def runs_bulk(self) -> bool:
        """Whether it holds a bulk batch."""
        return any(flight.bulk for flight in self._ledger)

    def start(self) -> None:
        """Begin to keep a process alive; returns at once."""
        self._task = asyncio.create_task(self._supervise(), name=f"worker-{self.index}")

    async def stop(self) -> None:
        """End the process; batches still in flight come back as `Died(why="stopped")`."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._slab_fd >= 0:
            os.close(self._slab_fd)
            self._slab_fd = -1

    def submit(
        self,
        key: BatchKey,
        windows: Sequence[Floats],
        valid_frames: Sequence[int],
        on_outcome: Callable[[Outcome], None],
        *,
        bulk: bool,
    ) -> None:
        """Copy rows into a free slot and send the batch; `on_outcome` is called exactly once."""
        shape = self._config.shapes[key.model, key.frontend]
        slot = self._free_slots.pop()
        target = self._slab.windows(slot, len(windows), shape.window_samples)
        for row, window in enumerate(windows):
            target[row] = window
        flight = Flight(self._next_number, slot, len(windows), bulk, shape, on_outcome)
        self._next_number += 1
        self._ledger.append(flight)
        self._send_job(key, flight, valid_frames)
        if len(self._ledger) == 1:
            self._watch_head()

    def _send_job(self, key: BatchKey, flight: Flight, valid_frames: Sequence[int]) -> None:
        assert self._child is not None, "a batch for a worker without a process. This is a bug."  # noqa: S101
        self._child.send(
            {
                "id": flight.number,
                "slot": flight.slot,
                "model": key.model,
                "frontend": key.frontend,
                "fill": key.fill,
                "samples": flight.shape.window_samples,
                "valid": list(valid_frames),
            }
        )

    async def _supervise(self) -> None:
        try:
            while True:
                await self._live_once()
                metrics.WORKER_RESTARTS.labels("all", "load" if self.problem else self._why).inc()
                self.restarts += 1
                await asyncio.sleep(min(_BACKOFF_MOST_S, _BACKOFF_FIRST_S * 2**self._failures))
                self._failures = min(self._failures + 1, 20)
        finally:
            self._set_up(False)
            self._why = "stopped"
            self._fail_flights()
            if self._child is not None:
                await self._child.end(_END_GRACE_S)
                self._child = None

    async def _live_once(self) -> None:
        """One process from start to end."""
        self._lost, self._ready, self._why = asyncio.Event(), asyncio.Event(), "crash"
        child = ChildProcess(self._on_message, self._lost.set)
        self._child = child
        try:
            await child.spawn(self._slab_fd, self._config.environment)
            child.send(self._hello())
            async with asyncio.timeout(self._config.start_timeout_s):
                await _first(self._ready, self._lost)
            await self._lost.wait()
        except (OSError, TimeoutError) as error:
            self.problem = f"A worker did not start ({type(error).__name__})."
            child.kill()
        self._set_up(False)
        code = await child.reap(_REAP_GRACE_S)
        self._child = None
        _log.warning("worker %d on %s ended (%s, exit code %d)", self.index, self.device.name, self._why, code)
        self._fail_flights()

    def _hello(self) -> Message:
        models = self._config.models
        return {
            "geometry": {
                "slots": self._geometry.slots,
                "input_bytes": self._geometry.input_bytes,
                "output_bytes": self._geometry.output_bytes,
            },
            "loader": self._config.loader,
            "device": self.device.name,
            "threads": 1,
            "rows": {address: self._warm_rows(address) for address in {a for a, _ in self._config.shapes}},
            "models": [
                {
                    "card": model.card.model_dump(mode="json"),
                    "weights": str(model.weights) if model.weights else None,
                    "precision": model.precision,
                }
                for model in models
            ],
        }

    def _warm_rows(self, address: str) -> int:
        shapes = [shape for (name, _), shape in self._config.shapes.items() if name == address]
        return min(rows_within(shape, self.limit.most, self.budget_s) for shape in shapes)

    def _on_message(self, message: Message) -> None:
        match message.get("type"):
            case "ready":
                self.rates, self.precisions = message["rates"], message["precisions"]
                self.problem = None
                self._ready.set()
                self._set_up(True)
            case "failed":
                self.problem = message["detail"]
            case _:
                self._on_answer(message)

    def _on_answer(self, message: Message) -> None:
        flight = self._ledger[0]
        if flight.number != message["id"]:
            raise ValueError("an answer out of order")
        if message["ok"]:
            outputs = self._slab.outputs(flight.slot, flight.rows, flight.shape.outputs)
            self._failures = 0
            self.limit.good()
            self._land(Done(outputs, message["seconds"], frozenset(message["bad"])))
        elif message["kind"] == "sticky":
            # the process ends itself; its batch comes back when the channel closes
            self._why = "cuda"
            self.up = False
        else:
            if message["kind"] == "oom":
                self.limit.shrink(flight.rows)
                metrics.WORKER_ROW_LIMIT.labels(str(self.index)).set(self.limit.rows)
            self._land(Raised(message["kind"] == "oom", message["error"]))

    def _land(self, outcome: Outcome) -> None:
        flight = self._ledger.popleft()
        self._watch_head()
        flight.on_outcome(outcome)
        self._free_slots.append(flight.slot)
        self._on_change()

    def _fail_flights(self) -> None:
        self._watch_head(running=False)
        flights, started = list(self._ledger), True
        self._ledger.clear()
        for flight in flights:
            self._free_slots.append(flight.slot)
            flight.on_outcome(Died(started, self._why))
            started = False
        self._on_change()

    def _watch_head(self, *, running: bool = True) -> None:
        """Time the batch that runs now; those behind it have not begun."""
        if self._hang_timer is not None:
            self._hang_timer.cancel()
            self._hang_timer = None
        if running and self._ledger:
            loop = asyncio.get_running_loop()
            self._hang_timer = loop.call_later(self._config.batch_timeout_s, self._on_hang)

    def _on_hang(self) -> None:
        if self._child is not None:
            self._why = "hang"
            self.up = False
            self._child.kill()

    def _set_up(self, up: bool) -> None:
        changed, self.up = self.up != up, up
        metrics.WORKER_UP.labels("all", str(self.index)).set(up)
        if changed and up:
            self._on_change()


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
