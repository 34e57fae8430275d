"""All that an index consists of, and what can be done with it when nobody else does anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sonotype.catalog.index import sample as samples
from sonotype.catalog.index.cells import Cells
from sonotype.catalog.index.positions import Positions
from sonotype.catalog.index.segment import Segment
from sonotype.catalog.index.snapshot import Snapshot
from sonotype.catalog.index.strays import Strays
from sonotype.catalog.index.tail import Tail
from sonotype.catalog.index.values import Block, Integers
from sonotype.core.types import Floats


@dataclass(slots=True)
class Contents:
    """`segment` covers the first positions, `tail` the others.

    Attributes:
        segment: the bulk of the vectors.
        tail: the newest ones.
        positions: the columns of both.
        sample: shape [m, D].
        chosen_at: tracks there were when the sample was chosen.
        cells: a coarse map of the segment.
        strays: those in the segment that its graph does not lead to.
    """

    segment: Segment
    tail: Tail
    positions: Positions
    sample: Floats
    chosen_at: int
    strays: Strays
    cells: Cells

    @property
    def size_bytes(self) -> int:
        """In memory."""
        parts = self.segment.size_bytes + self.tail.size_bytes + self.positions.size_bytes
        return parts + self.sample.nbytes + self.strays.vectors.nbytes + self.cells.of.nbytes

    def append(self, row: int, slot: int, vector: Floats) -> None:
        """A new position at the end of the tail."""
        mean, std = samples.statistics(vector[None], self.sample)
        self.tail.append(vector)
        self.positions.append(row, slot, float(mean[0]), float(std[0]))

    def extend(self, block: Block) -> None:
        """Many of them."""
        rows, slots, vectors = block
        means, stds = samples.statistics(vectors, self.sample)
        for row, slot, vector, mean, std in zip(rows, slots, vectors, means, stds, strict=True):
            self.tail.append(vector)
            self.positions.append(int(row), int(slot), float(mean), float(std))

    def vectors(self, positions: Integers) -> Floats:
        """Vectors [n, D] at positions [n], wherever they are."""
        early = positions < self.tail.start
        vectors = np.empty((len(positions), self.segment.dim), np.float32)
        vectors[early] = self.segment.vectors(positions[early])
        vectors[~early] = self.tail.vectors(positions[~early])
        return vectors

    def live(self) -> Integers:
        """Positions that are alive, ascending."""
        return np.flatnonzero(self.positions.now.alive(slice(self.positions.now.total)))

    def resample(self) -> None:
        """Choose the sample anew if it is due, and relate every position to it."""
        now = self.positions.now
        if not samples.due(now.live, self.chosen_at):
            return
        self.sample, self.chosen_at = self.vectors(samples.choose(self.live())), now.live
        mean, std = samples.statistics(self.vectors(np.arange(now.total)), self.sample)
        self.positions.mean[: now.total], self.positions.std[: now.total] = mean, std

    def snapshot(self) -> Snapshot:
        """What to write down: the segment; the tail comes back from the truth."""
        positions, count = self.positions, len(self.segment)
        return Snapshot(
            segment=self.segment,
            rows=positions.rows[:count].copy(),
            slots=positions.slots[:count].copy(),
            alive=positions.now.alive(slice(count)),
            mean=positions.mean[:count].copy(),
            std=positions.std[:count].copy(),
            stray=np.isin(np.arange(count), self.strays.positions, assume_unique=True),
            sample=self.sample,
            chosen_at=self.chosen_at,
            cells=self.cells,
        )
