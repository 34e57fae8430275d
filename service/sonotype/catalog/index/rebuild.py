"""A new graph beside the old one: after a start without a snapshot, and when too much of the old one is dead.

Its vectors exist twice until it takes the old one's place.
"""

from __future__ import annotations

import contextlib
import os
import threading

import numpy as np
import structlog

from sonotype.catalog.index import sample as samples
from sonotype.catalog.index.cells import Cells
from sonotype.catalog.index.contents import Contents
from sonotype.catalog.index.segment import Segment, use_threads
from sonotype.catalog.index.shared import Shared
from sonotype.catalog.index.strays import Strays, unfound
from sonotype.catalog.index.tail import Tail
from sonotype.catalog.index.values import Integers
from sonotype.core.types import Floats

log = structlog.get_logger(__name__)

_BLOCK = 1_024
_BUILDING = 0.8  # of the work; the rest is looking for every vector


class Rebuild(threading.Thread):
    """Build, then swap; searches and adds go on.

    Attributes:
        progress: share that is done, in [0, 1].
        failed: it ended without a new graph.
    """

    def __init__(self, shared: Shared) -> None:
        super().__init__(name="sonotype-index-rebuild", daemon=True)
        self._shared = shared
        self._stopped = threading.Event()
        self.progress = 0.0
        self.failed = False

    def stop(self) -> None:
        """Give up at the next block, and wait until it has."""
        self._stopped.set()
        self.join()

    def run(self) -> None:
        """Work at low priority, with all processors but one."""
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._shared.tuning.niceness)
        use_threads(max(1, (os.cpu_count() or 1) - 1))
        try:
            self._build()
        except Exception:  # a background job: the old graph goes on to serve
            log.exception("the index could not be rebuilt")
            self.failed = True
        self._shared.wake.set()

    def _build(self) -> None:
        with self._shared.reading() as held:
            live = held.live()
            chosen = samples.choose(live) if samples.due(len(live), 0) else live[:0]
            sample = held.vectors(chosen)
        new = _New(Segment.linked(held.segment.dim, self._shared.tuning), sample, len(live) if len(chosen) else 0)
        done = 0
        while not self._stopped.is_set():
            with self._shared.reading() as held:
                total = len(held.segment)
                block = np.arange(done, min(done + _BLOCK, total))
                block = block[held.positions.now.alive(block)]
                vectors = held.vectors(block)
            if done == total and new.checked(self._shared.tuning.search_width):
                self._swap(new, done)
                return
            new.add(block, vectors)
            done = min(done + _BLOCK, total)
            self.progress = _BUILDING * done / max(1, total)

    def _swap(self, new: _New, done: int) -> None:
        """Let the new graph serve; what the old one got after `done` waits in the tail."""
        with self._shared.alone() as held:
            rest = held.live()
            rest = rest[rest >= done]
            new.take_over(held, rest)
        self._shared.snapshot_due = True


class _New:
    """A segment that grows out of another, and the columns that change with it."""

    def __init__(self, segment: Segment, sample: Floats, chosen_at: int) -> None:
        self._segment, self._sample, self._chosen_at = segment, sample, chosen_at
        self._origin: list[Integers] = [np.empty(0, np.int64)]
        self._mean: list[Floats] = [np.empty(0, np.float32)]
        self._std: list[Floats] = [np.empty(0, np.float32)]
        self._strays: list[Integers] = [np.empty(0, np.int64)]

    def add(self, origin: Integers, vectors: Floats) -> None:
        """Vectors [n, D] from positions [n] of the old one."""
        self._segment.add(vectors)
        self._relate(origin, vectors)

    def checked(self, width: int) -> bool:
        """Look for the next vectors that were not looked for yet; True when all were."""
        start = self._segment.checked
        stop = min(start + _BLOCK, len(self._segment))
        if stop > start:
            self._strays.append(unfound(self._segment, np.arange(start, stop), width))
        self._segment.checked = stop
        return stop == len(self._segment)

    def take_over(self, held: Contents, rest: Integers) -> None:
        """Replace the old one, with `rest` of its positions in the tail."""
        vectors = held.vectors(rest)
        self._relate(rest, vectors)
        positions = held.positions.kept(np.concatenate(self._origin))
        total = positions.now.total
        positions.mean[:total], positions.std[:total] = np.concatenate(self._mean), np.concatenate(self._std)
        held.segment, held.tail = self._segment, Tail(self._segment.dim, len(self._segment), vectors)
        held.positions, held.sample, held.chosen_at = positions, self._sample, self._chosen_at
        held.cells = Cells.none(self._segment.dim)  # the keeper divides the new one
        held.strays = Strays.of(self._segment, np.concatenate(self._strays))

    def _relate(self, origin: Integers, vectors: Floats) -> None:
        mean, std = samples.statistics(vectors, self._sample)
        self._origin.append(origin)
        self._mean.append(mean)
        self._std.append(std)
