"""Faiss HNSW over unit vectors, in float32 or in 16 bits; the rows in SQLite."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np

from bench.catalog.engines.cells import Cells
from bench.catalog.engines.hybrid import EXACT_ROWS, Hybrid
from bench.catalog.engines.port import Floats, Numbers

LINKS, CONSTRUCTION = 16, 100
BUDGET = EXACT_ROWS  # rows compared when the filter keeps too little around the query


class FaissSqlite(Hybrid):
    """`IndexHNSWFlat`: its storage serves exact comparisons too."""

    suffix = "faiss"

    def load(self, path: Path | None) -> None:
        """Read the graph, or start an empty one."""
        self.index = self.empty() if path is None else faiss.read_index(str(path))
        self._cells = Cells()
        if path is not None:
            self._cells.load(path.with_suffix(".cells.npz"))
        faiss.omp_set_num_threads(1)

    def empty(self) -> faiss.IndexHNSW:
        """A new index."""
        index = faiss.IndexHNSWFlat(self.dims, LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = CONSTRUCTION
        return index

    def save(self, path: Path) -> None:
        """Write the graph with its storage, and the cells, which are placed now."""
        faiss.omp_set_num_threads(self.threads)
        self._cells.train(self._vectors())
        faiss.omp_set_num_threads(1)
        faiss.write_index(self.index, str(path))
        self._cells.save(path.with_suffix(".cells.npz"))

    def append(self, first: int, vectors: Floats, threads: int) -> None:
        """Add rows to the graph."""
        faiss.omp_set_num_threads(threads)
        self.index.add(np.ascontiguousarray(vectors))
        self._cells.extend(vectors)
        faiss.omp_set_num_threads(1)

    def nearest(self, query: Floats, k: int, width: int) -> Numbers:
        """Walk the graph."""
        found = self.index.search(query[None], k, params=faiss.SearchParametersHNSW(efSearch=width))[1][0]
        return found[found >= 0]

    def among(self, query: Floats, k: int, rows: Numbers) -> Numbers:
        """Compare with these rows, or with those of the nearest cells."""
        chosen = self.selector(self._cells.near(query, rows, BUDGET))
        found = self.index.storage.search(query[None], k, params=faiss.SearchParameters(sel=chosen))[1][0]
        return found[found >= 0]

    def selector(self, rows: Numbers) -> faiss.IDSelector:
        """Flat storage has a fast path for lists of rows."""
        return faiss.IDSelectorArray(rows)

    def _vectors(self) -> Floats:
        return self.index.storage.reconstruct_n(0, self.index.ntotal)


class FaissHalfSqlite(FaissSqlite):
    """`IndexHNSWSQ` with 16-bit floats: nearly half of the memory."""

    def empty(self) -> faiss.IndexHNSW:
        """A new index; 16-bit floats need no training, but must be told so."""
        index = faiss.IndexHNSWSQ(self.dims, faiss.ScalarQuantizer.QT_fp16, LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = CONSTRUCTION
        index.train(np.zeros((1, self.dims), np.float32))
        return index

    def selector(self, rows: Numbers) -> faiss.IDSelector:
        """Here a list would be searched through for each row of the index."""
        bits = np.zeros(self.index.ntotal, bool)
        bits[rows] = True
        return faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little"))
