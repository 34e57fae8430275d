"""The yardsticks: a graph library with nothing around it, over the very graph of its neighbour, and no graph at all."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
from usearch.index import Index

from bench.catalog.corpus import load
from bench.catalog.engines.hybrid import WIDTH
from bench.catalog.engines.port import Floats, Numbers, Where


class _ReadOnly:
    """No store, no filters, nothing to build."""

    graph_s = 0.0

    def search(self, query: Floats, k: int, where: Where | None = None) -> Numbers:
        """Row numbers, best first.

        Raises:
            ValueError: there is a filter.
        """
        if where is not None:
            raise ValueError("a bare graph does not filter")
        return self.nearest(query, k)

    def nearest(self, query: Floats, k: int) -> Numbers:
        """Row numbers, best first."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to do."""


class BareFaiss(_ReadOnly):
    """The graph of `faiss + SQLite`."""

    def __init__(self, folder: Path, dims: int) -> None:
        self._index = faiss.read_index(str(folder.parent / "faiss-sqlite" / "snapshot.faiss"))
        self._index.hnsw.efSearch = WIDTH
        faiss.omp_set_num_threads(1)

    def nearest(self, query: Floats, k: int) -> Numbers:
        """Walk the graph."""
        return self._index.search(query[None], k)[1][0]


class BareUsearch(_ReadOnly):
    """The graph of `usearch + SQLite`."""

    def __init__(self, folder: Path, dims: int) -> None:
        self._index = Index.restore(str(folder.parent / "usearch-sqlite" / "snapshot.usearch"))
        self._index.expansion_search = WIDTH

    def nearest(self, query: Floats, k: int) -> Numbers:
        """Walk the graph."""
        return self._index.search(query, k, threads=1).keys.astype(np.int64)


class Exact(_ReadOnly):
    """Every row, by one thread of NumPy."""

    def __init__(self, folder: Path, dims: int) -> None:
        corpus = load(folder.parent)
        self._rows = np.array(corpus.vectors[: corpus.count])
        self._values = {name: values[: corpus.count] for name, values in corpus.columns.items()}

    def search(self, query: Floats, k: int, where: Where | None = None) -> Numbers:
        """Row numbers, best first."""
        kept = None if where is None else np.flatnonzero(self._values[where.column] == where.value)
        scores = (self._rows if kept is None else self._rows[kept]) @ query
        best = np.argpartition(-scores, min(k, len(scores) - 1))[:k]
        best = best[np.argsort(-scores[best])]
        return best if kept is None else kept[best]
