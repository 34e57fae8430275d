"""The contents of an index while several threads use them.

Three locks, taken in this order by who needs more than one:

    shaping     merging, a snapshot, or the swap at the end of a rebuild: one of them at a time
    graph       readers search and look up; the writer lets the segment grow or swaps it
    changing    the columns and the tail: adds, removals, and the end of a merge

An add takes only the last, so that it never waits for a search, and no search ever waits for an add.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from sonotype.catalog.index import sample as samples
from sonotype.catalog.index.cells import POINTS, Cells, assign, centres
from sonotype.catalog.index.contents import Contents
from sonotype.catalog.index.lock import ReadersWriterLock
from sonotype.catalog.index.segment import Segment
from sonotype.catalog.index.shelf import Shelf
from sonotype.catalog.index.strays import unfound
from sonotype.catalog.index.values import Integers, Tuning
from sonotype.core.types import Floats

_BLOCK = 8_192


class StoppedError(Exception):
    """The index is being closed: what was begun need not be finished."""


class Shared:
    """Contents with their locks.

    Attributes:
        changes: adds and removals since the last snapshot.
        changed_at: monotonic time of the last one.
        stopping: set where the index is being closed.
        wake: set where the background has something to do.
        snapshot_due: write one soon, however little has changed.
        failed: why the last snapshot could not be written.
    """

    def __init__(self, held: Contents, shelf: Shelf, tuning: Tuning) -> None:
        self.held, self.shelf, self.tuning = held, shelf, tuning
        self.shaping, self.graph, self.changing = threading.Lock(), ReadersWriterLock(), threading.Lock()
        self.changes, self.changed_at = 0, time.monotonic()
        self.wake, self.stopping = threading.Event(), threading.Event()
        self.snapshot_due = False
        self.failed: str | None = None

    @contextmanager
    def reading(self) -> Iterator[Contents]:
        """The contents while the segment neither grows nor is swapped."""
        with self.graph.reading():
            yield self.held

    @contextmanager
    def change(self) -> Iterator[Contents]:
        """The contents for an add or a removal."""
        with self.changing:
            yield self.held
            self.changes += 1
            self.changed_at = time.monotonic()

    @contextmanager
    def alone(self) -> Iterator[Contents]:
        """The contents while nobody else uses them."""
        with self.shaping, self.graph.writing(), self.changing:
            yield self.held

    def merge(self, count: int) -> float:
        """Move up to `count` vectors of the tail into the segment; the seconds that searches waited (adds do not)."""
        with self.shaping, self.graph.writing():
            began, held = time.monotonic(), self.held
            count = min(count, len(held.tail))
            vectors = held.tail.first(count)
            held.segment.add(vectors)
            held.cells = held.cells.with_more(vectors)
            with self.changing:
                held.tail.drop(count)
            return time.monotonic() - began

    def check(self, segment: Segment, positions: Integers) -> None:
        """Look for merged vectors by the graph, and keep in mind which it does not lead to; searches and adds go on."""
        with self.shaping:
            if self.held.segment is not segment:  # swapped for a new one, whose builder has looked for everything
                return
            with self.reading() as held:
                missed = unfound(held.segment, positions, self.tuning.search_width)
            held.strays = held.strays.after(held.segment, positions, missed)

    def save(self) -> None:
        """Write a snapshot; searches and adds go on. Raises `OSError`."""
        with self.shaping:
            with self.changing:
                snapshot, changes = self.held.snapshot(), self.changes
            try:
                self.shelf.write(snapshot)
            except OSError as error:
                self.failed = error.strerror or str(error)
                raise
            self.failed, self.snapshot_due = None, False
            with self.changing:
                self.changes -= changes

    def resample(self) -> None:
        """Choose the sample anew and relate every position to it, beside searches and adds. Raises `StoppedError`."""
        with self.shaping:
            with self.reading() as held:
                live = held.live()
                sample = held.vectors(samples.choose(live))
            total = held.positions.now.total
            blocks = [samples.statistics(vectors, sample) for vectors in self._blocks(total)]
            mean, std = (np.concatenate(column) for column in zip(*blocks, strict=True))
            with self.changing:
                rest = np.arange(total, held.positions.now.total)
                last = samples.statistics(held.vectors(rest), sample)
                held.positions.mean[: total + len(rest)] = np.concatenate([mean, last[0]])
                held.positions.std[: total + len(rest)] = np.concatenate([std, last[1]])
                held.sample, held.chosen_at = sample, len(live)

    def divide(self) -> None:
        """Divide the segment into cells anew, beside searches and adds. Raises `StoppedError`."""
        with self.shaping:
            total, wanted = len(self.held.segment), self.tuning.cells
            some = np.random.default_rng(total).choice(total, min(total, POINTS * wanted), replace=False)
            with self.reading() as held:
                vectors = held.segment.vectors(np.sort(some))
            found = centres(vectors, wanted)
            of = np.concatenate([assign(vectors, found) for vectors in self._blocks(total)])
            self.held.cells = Cells(found, of, total)

    def _blocks(self, total: int) -> Iterator[Floats]:
        """The vectors of the first `total` positions in order, some at a time."""
        for start in range(0, total, _BLOCK):
            if self.stopping.is_set():
                raise StoppedError
            with self.reading() as held:
                vectors = held.vectors(np.arange(start, min(start + _BLOCK, total)))
            yield vectors
