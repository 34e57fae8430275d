"""Stand-ins for the store beneath an index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sonotype.catalog.index.index import GenerationIndex
from sonotype.catalog.index.values import Block, Integers, Tuning
from sonotype.core.types import Floats

DIM = 16
# A graph from few vectors on, and used wherever it can vouch for its answer.
SMALL = Tuning(graph_from=64, merge_at=32, idle_s=0.0, search_width=32, retry_s=0.05, niceness=0, comparison_us=1e6)


def unit(vectors: Floats) -> Floats:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def clusters(count: int, dim: int = DIM, number: int = 8, seed: int = 0) -> tuple[Floats, Integers]:
    """Unit vectors around some centres, the same ones for every seed, and which centre each belongs to."""
    centres = np.random.default_rng(0).standard_normal((number, dim))
    rng = np.random.default_rng((1, seed))
    of = rng.integers(number, size=count)
    return unit(centres[of] + 0.4 * rng.standard_normal((count, dim))), of


class Truth:
    """The rows of a generation, in memory; `put` and `drop` tell an index as the store would: after the commit."""

    def __init__(self, dim: int = DIM) -> None:
        self._dim = dim
        self._last = 0
        self.stored: dict[int, tuple[int, Floats]] = {}

    def rows(self) -> Integers:
        return np.array(sorted(self.stored), np.int64)

    def after(self, row: int) -> Iterator[Block]:
        rows = [r for r in sorted(self.stored) if r > row]
        for part in (rows[start : start + 100] for start in range(0, len(rows), 100)):
            slots = np.array([self.stored[r][0] for r in part], np.int64)
            yield np.array(part, np.int64), slots, np.stack([self.stored[r][1] for r in part])

    def row_of(self, slot: int) -> int | None:
        return next((row for row, (held, _) in self.stored.items() if held == slot), None)

    def put(self, slot: int, vector: Floats, index: GenerationIndex | None = None) -> int:
        former = self.row_of(slot)
        self._last += 1
        if former is not None:
            del self.stored[former]
        self.stored[self._last] = (slot, vector)
        if index is not None:
            index.add(self._last, slot, vector)
            if former is not None:
                index.remove(former)
        return self._last

    def fill(self, vectors: Floats) -> None:
        """Rows from 1 on, slots from 0 on."""
        self.stored = {row: (row - 1, vector) for row, vector in enumerate(vectors, start=1)}
        self._last = len(vectors)

    def drop(self, slot: int, index: GenerationIndex | None = None) -> None:
        row = self.row_of(slot)
        assert row is not None
        del self.stored[row]
        if index is not None:
            index.remove(row)

    def nearest(self, vector: Floats, count: int, allowed: set[int] | None = None) -> list[int]:
        """Slots by brute force."""
        there = [(float(v @ vector), slot) for slot, v in self.stored.values() if allowed is None or slot in allowed]
        return [slot for _, slot in sorted(there, key=lambda pair: -pair[0])[:count]]


def opened(folder: Path, truth: Truth, tuning: Tuning = SMALL) -> GenerationIndex:
    return GenerationIndex.open(folder, truth._dim, truth, tuning)


def settled(folder: Path, truth: Truth, tuning: Tuning = SMALL) -> GenerationIndex:
    """An index with its graph built."""
    index = opened(folder, truth, tuning)
    assert index.settle(60)
    return index


def snapshots(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
