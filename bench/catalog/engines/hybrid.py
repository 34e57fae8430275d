"""Rows in SQLite, a graph and the metadata in memory: the house's own design, for any graph library.

The graph is derived: it is read from its snapshot at the start and given the rows that the store has beyond it.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.catalog.engines.port import COLUMNS, Floats, Numbers, Where
from bench.catalog.engines.rows import Columns, Rows

WIDTH = 128  # of the graph walk when there is no filter
EXACT_ROWS = 20_000  # up to so many rows, all of them are compared: a few milliseconds, and nothing is missed
_WIDEST = 512  # of a walk with a filter; what would need more goes through the rows that the filter keeps
_SPARE = 2.5  # fetch so many times what an unrelated filter needs


class Hybrid(ABC):
    """Everything but the graph."""

    suffix = "graph"
    threads = 2  # of bulk inserts

    def __init__(self, folder: Path, dims: int) -> None:
        self.dims, self.graph_s = dims, 0.0
        self._rows, self._columns = Rows(folder / "rows.sqlite"), Columns()
        self._graph, self._table = folder / f"snapshot.{self.suffix}", folder / "columns.npz"
        self.load(self._graph if self._graph.exists() else None)
        if self._graph.exists():
            self._columns.load(self._table)
        vectors, columns = self._rows.since(self._columns.count)
        if len(vectors):
            self._extend(vectors, columns)

    @abstractmethod
    def load(self, path: Path | None) -> None:
        """Read the graph, or start an empty one."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the graph."""

    @abstractmethod
    def append(self, first: int, vectors: Floats, threads: int) -> None:
        """Add rows to the graph."""

    @abstractmethod
    def nearest(self, query: Floats, k: int, width: int) -> Numbers:
        """Walk the graph."""

    @abstractmethod
    def among(self, query: Floats, k: int, rows: Numbers) -> Numbers:
        """Compare with these rows, or with enough of them to be nearly sure."""

    def bulk(self, first: int, vectors: Floats, columns: Mapping[str, NDArray[np.int32]]) -> None:
        """Append many rows."""
        self._rows.bulk(first, vectors, columns)
        self._extend(vectors, columns)

    def seal(self) -> None:
        """Write the snapshot."""
        self.save(self._graph)
        self._columns.save(self._table)

    def add(self, number: int, vector: Floats, columns: Mapping[str, int]) -> None:
        """Append one row: commit, then the graph."""
        self._rows.add(number, vector, columns)
        self.append(number, vector[None], 1)
        self._columns.extend({name: np.array([columns[name]], np.int32) for name in COLUMNS})

    def search(self, query: Floats, k: int, where: Where | None = None) -> Numbers:
        """Fetch more than asked for and drop what the filter drops; compare with what it keeps if too few stay.

        What stays of the n nearest is the nearest of what the filter keeps, so the answer is as good as a walk without
        a filter.
        """
        if where is None:
            return self.nearest(query, k, WIDTH)
        mask = self._columns.mask(where)
        kept = int(np.count_nonzero(mask))
        wanted = max(WIDTH, int(_SPARE * k * len(mask) / max(1, kept)))
        if kept > EXACT_ROWS and wanted <= _WIDEST:
            found = self.nearest(query, wanted, wanted)
            found = found[mask[found]]
            if len(found) >= k:
                return found[:k]
        return self.among(query, k, np.flatnonzero(mask))

    def numbers(self) -> Numbers:
        """All rows that the store holds."""
        return self._rows.numbers()

    def close(self) -> None:
        """End in good order."""
        self._rows.close()

    def _extend(self, vectors: Floats, columns: Mapping[str, NDArray[np.int32]]) -> None:
        begin = time.perf_counter()
        self.append(self._columns.count, vectors, self.threads)
        self.graph_s += time.perf_counter() - begin
        self._columns.extend(columns)
