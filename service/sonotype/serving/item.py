"""One clip in front of one model: rows go in as the clip is decoded, outputs come out together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from sonotype.core.errors import SonotypeError
from sonotype.core.types import Fill, Floats, Lane, Patchout, Window
from sonotype.serving.queues import BatchKey, Entry, Part, Source
from sonotype.serving.workers.outcome import Done
from sonotype.serving.workers.served import Shape


@dataclass(frozen=True, slots=True)
class ItemSpec:
    """What the batcher is told about an item before its first window.

    Attributes:
        item_id: for logs only.
        model: address, `name@version`.
        frontend: name of the front end variant.
        sha256: content hash of the upload; what a quarantine remembers.
        lane: interactive or bulk.
        deadline: on the clock of the event loop (seconds).
        fill: how frames after the end of the clip are filled.
        patchout: what is left out of each patch; None leaves nothing out.
        cost_share: cost of a patch as a share of that of a whole one.
    """

    item_id: str
    model: str
    frontend: str
    sha256: str
    lane: Lane
    deadline: float
    fill: Fill = "repeat"
    patchout: Patchout | None = None
    cost_share: float = 1.0


@dataclass(slots=True)
class ItemStats:
    """Where an item's time went.

    Attributes:
        rows: rows computed so far.
        waited_s: sum over rows of the time from `put` to the worker.
        frontend_s: its share of the front end's time, by rows.
        network_s: its share of the network's time, by rows.
        batch_rows: rows of each batch in which it took part.
    """

    rows: int = 0
    waited_s: float = 0.0
    frontend_s: float = 0.0
    network_s: float = 0.0
    batch_rows: list[int] = field(default_factory=list)

    @property
    def queue_s(self) -> float:
        """Mean time a row waited for its batch."""
        return self.waited_s / self.rows if self.rows else 0.0

    def timings_s(self) -> dict[str, float]:
        """Seconds by phase: queue, frontend, network."""
        return {"queue": self.queue_s, "frontend": self.frontend_s, "network": self.network_s}

    def add(self, rows: int, batch_rows: int, waited_s: float, seconds: Mapping[str, float]) -> None:
        """Account for `rows` of a batch of `batch_rows`."""
        share = rows / batch_rows
        self.rows += rows
        self.waited_s += waited_s
        self.frontend_s += share * seconds.get("frontend", 0.0)
        self.network_s += share * seconds.get("network", 0.0)
        self.batch_rows.append(batch_rows)


class Shell(Protocol):
    """What an item needs of the batcher."""

    def push(self, item: Item, window: Window) -> None:
        """Queue the next row of an item."""

    def wake(self) -> None:
        """Look for work soon."""


class Item:
    """Handle of an open item; made by `Batcher.open`.

    Args:
        spec: what it is.
        shape: shapes of its model and front end.
        room: rows that may wait at once; `put` waits while there are as many.
        shell: the batcher.
    """

    def __init__(self, spec: ItemSpec, shape: Shape, room: int, shell: Shell) -> None:
        self.spec = spec
        self.shape = shape
        key = BatchKey(spec.model, spec.frontend, spec.fill, spec.patchout)
        self.source = Source(key, spec.lane, spec.deadline)
        self.stats = ItemStats()
        self.deaths = 0
        self.rows_put = 0
        self.error: SonotypeError | None = None
        self._room = room
        self._shell = shell
        self._pieces: list[tuple[list[int], dict[str, Floats]]] = []
        self._changed = asyncio.Event()

    @property
    def complete(self) -> bool:
        """Nothing of it is queued or running, and nothing more will come."""
        return self.error is not None or (not self.source.more and self.stats.rows == self.rows_put)

    async def put(self, window: Window) -> None:
        """Queue the next window; waits while too many of this item are queued.

        Raises:
            SonotypeError: the item has failed already; there is no point in decoding on.
            ValueError: the window does not fit the model; a bug of the caller.
        """
        if window.samples.shape != (self.shape.window_samples,):
            raise ValueError(f"a window of shape {window.samples.shape} for {self.spec.model}. This is a bug.")
        while self.error is None and len(self.source.waiting) >= self._room:
            self._changed.clear()
            await self._changed.wait()
        self._raise_error()
        self._shell.push(self, window)

    async def result(self, n_patches: int) -> dict[str, Floats]:
        """Wait for all rows; nothing may be put afterwards.

        Args:
            n_patches: windows that were put.

        Returns:
            Output name to array of shape [n_patches, *shape of one row], rows in the order of `put`.

        Raises:
            SonotypeError: ITEM_FAILED, QUARANTINED, DEADLINE_EXCEEDED, UNAVAILABLE, OVERLOADED or DRAINING.
        """
        if n_patches != self.rows_put:
            raise ValueError(f"{n_patches} patches expected, {self.rows_put} put. This is a bug.")
        self.source.more = False
        self._shell.wake()
        while not self.complete:
            self._changed.clear()
            await self._changed.wait()
        self._raise_error()
        return self._assemble(n_patches)

    def entry(self, window: Window, now: float) -> Entry:
        """The next row."""
        entry = Entry(self.rows_put, self.shape.cost_s * self.spec.cost_share, now, window)
        self.rows_put += 1
        return entry

    def notify(self) -> None:
        """Let `put` and `result` look again."""
        self._changed.set()

    def take(self, part: Part, done: Done, start: int, batch_rows: int, began: float) -> None:
        """Copy this item's rows out of a batch; they lie at `start` in it."""
        rows = [entry.row for entry in part.entries]
        arrays = {name: array[start : start + len(rows)].copy() for name, array in done.outputs.items()}
        self._pieces.append((rows, arrays))
        waited_s = sum(began - entry.arrived for entry in part.entries)
        self.stats.add(len(rows), batch_rows, waited_s, done.seconds)
        self.notify()

    def _raise_error(self) -> None:
        if self.error is not None:
            raise self.error

    def _assemble(self, n_rows: int) -> dict[str, Floats]:
        shapes: Mapping[str, Sequence[int]] = self.shape.outputs
        outputs: dict[str, Floats] = {}
        for name, shape in shapes.items():
            outputs[name] = np.empty((n_rows, *shape), dtype=np.float32)
            for rows, arrays in self._pieces:
                outputs[name][rows] = arrays[name]
        return outputs
