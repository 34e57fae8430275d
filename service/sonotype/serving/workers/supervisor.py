"""One worker: a place on a device whose process is replaced when it dies."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.serving.devices import Device
from sonotype.serving.queues import BatchKey
from sonotype.serving.workers.config import WorkerConfig, hello
from sonotype.serving.workers.ledger import Ledger
from sonotype.serving.workers.limits import RowLimit
from sonotype.serving.workers.outcome import DeathReason, Done, Outcome, Raised
from sonotype.serving.workers.process import ChildProcess
from sonotype.serving.workers.served import geometry
from sonotype.serving.workers.slab import Slab, create_memfd
from sonotype.serving.workers.wire import Message
from sonotype.telemetry import metrics

_log = logging.getLogger(__name__)
_BACKOFF_FIRST_S = 0.05
_BACKOFF_MOST_S = 30.0
_MOST_DOUBLINGS = 20
_END_GRACE_S = 2.0
_REAP_GRACE_S = 0.5  # enough to exit with its own code once the channel is closed


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
        self.problem: SonotypeError | None = None
        self.in_service = True
        self.restarts = 0
        self._config = config
        self._on_change = on_change
        self._geometry = geometry(config.shapes.values(), max_rows, budget_s)
        self._slab_fd = create_memfd(self._geometry)
        self._slab = Slab(self._slab_fd, self._geometry)
        self._ledger = Ledger(config.batch_timeout_s, self._on_hang)
        self._child: ChildProcess | None = None
        self._ready_or_lost = asyncio.Event()
        self._lost = asyncio.Event()
        self._why: DeathReason = "crash"
        self._failures = 0
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
        return self.up and self._ledger.has_slot

    @property
    def runs_bulk(self) -> bool:
        """Whether it holds a bulk batch."""
        return self._ledger.has_bulk

    def start(self) -> None:
        """Begin to keep a process alive; returns at once."""
        self.tell()
        self._task = asyncio.create_task(self._supervise(), name=f"worker-{self.index}")

    def tell(self) -> None:
        """Tell Prometheus how it stands; where workers overlap, only those in service do."""
        if self.in_service:
            metrics.WORKER_ROW_LIMIT.labels(str(self.index)).set(self.limit.rows)
            metrics.WORKER_UP.labels("all", str(self.index)).set(self.up)

    async def stop(self) -> None:
        """End the process; batches still in flight come back as `Died(why="stopped")`."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._slab_fd >= 0:
            os.close(self._slab_fd)
            self._slab_fd = -1
            del self._slab  # its memory goes, however long somebody remembers the worker

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
        assert self._child is not None, "a batch for a worker without a process. This is a bug."  # noqa: S101
        shape = self._config.shapes[key.model, key.frontend]
        flight = self._ledger.board(len(windows), shape, on_outcome, bulk=bulk)
        target = self._slab.windows(flight.slot, len(windows), shape.window_samples)
        for row, window in enumerate(windows):
            target[row] = window
        self._child.send(
            {
                "id": flight.number,
                "slot": flight.slot,
                "model": key.model,
                "frontend": key.frontend,
                "fill": key.fill,
                "patchout": None if key.patchout is None else asdict(key.patchout),
                "samples": shape.window_samples,
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
                self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        finally:
            self._set_up(False)
            self._why = "stopped"
            self._fail_flights()
            if self._child is not None:
                await self._child.end(_END_GRACE_S)
                self._child = None

    async def _live_once(self) -> None:
        """One process from start to end."""
        self._ready_or_lost, self._lost, self._why = asyncio.Event(), asyncio.Event(), "crash"
        child = ChildProcess(self._on_message, self._on_lost)
        self._child = child
        try:
            await child.spawn(self._slab_fd, self._config.environment)
            child.send(self._hello())
            async with asyncio.timeout(self._config.start_timeout_s):
                await self._ready_or_lost.wait()
            if not self.up and self.problem is None:
                self.problem = _unavailable("A worker ended while it loaded its models.")
            await self._lost.wait()
        except (OSError, TimeoutError) as error:
            self.problem = _unavailable(f"A worker did not start ({type(error).__name__}).")
            child.kill()
        self._set_up(False)
        code = await child.reap(_REAP_GRACE_S)
        self._child = None
        _log.warning("worker %d on %s ended (%s, exit code %d)", self.index, self.device.name, self._why, code)
        self._fail_flights()

    def _hello(self) -> Message:
        warm_rows = self._config.warm_rows(self.limit.most, self.budget_s)
        return hello(self._config, self.device, self._geometry, warm_rows)

    def _on_message(self, message: Message) -> None:
        match message.get("type"):
            case "ready":
                self.rates, self.precisions = message["rates"], message["precisions"]
                self.problem = None
                self._set_up(True)
                self._ready_or_lost.set()
            case "failed":
                self.problem = SonotypeError(Code(message["code"]), message["detail"])
            case _:
                self._on_answer(message)

    def _on_answer(self, message: Message) -> None:
        flight = self._ledger.running(message["id"])
        if message["ok"]:
            outputs = self._slab.outputs(flight.slot, flight.rows, flight.shape.outputs)
            self._failures = 0
            if self.limit.good():
                self.tell()
            self._land(Done(outputs, message["seconds"], frozenset(message["bad"])))
        elif message["kind"] == "sticky":
            # the process ends itself; its batch comes back when the channel closes
            self._why = "cuda"
            self.up = False
        else:
            if message["kind"] == "oom":
                self.limit.shrink(flight.rows)
                self.tell()
            self._land(Raised(message["kind"] == "oom", message["error"]))

    def _land(self, outcome: Outcome) -> None:
        self._ledger.land(outcome)
        self._on_change()

    def _fail_flights(self) -> None:
        self._ledger.fail_all(self._why)
        self._on_change()

    def _on_hang(self) -> None:
        if self._child is not None:
            self._why = "hang"
            self.up = False
            self._child.kill()

    def _on_lost(self) -> None:
        self._ready_or_lost.set()
        self._lost.set()

    def _set_up(self, up: bool) -> None:
        came, self.up = up and not self.up, up
        self.tell()
        if came:
            self._on_change()


def _unavailable(detail: str) -> SonotypeError:
    return SonotypeError(Code.UNAVAILABLE, detail)
