"""USearch HNSW over unit vectors; the rows in SQLite. Its Python face takes no predicate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from usearch.index import Index

from bench.catalog.engines.hybrid import Hybrid
from bench.catalog.engines.port import Floats, Numbers

LINKS, CONSTRUCTION = 16, 128


class UsearchSqlite(Hybrid):
    """Vectors in the graph, in float32."""

    suffix = "usearch"

    def load(self, path: Path | None) -> None:
        """Read the graph, or start an empty one."""
        self.index = Index(ndim=self.dims, metric="ip", dtype="f32", connectivity=LINKS, expansion_add=CONSTRUCTION)
        if path is not None:
            self.index.load(str(path))

    def save(self, path: Path) -> None:
        """Write the graph with its vectors."""
        self.index.save(str(path))

    def append(self, first: int, vectors: Floats, threads: int) -> None:
        """Add rows to the graph."""
        self.index.add(np.arange(first, first + len(vectors)), vectors, threads=threads)

    def nearest(self, query: Floats, k: int, width: int) -> Numbers:
        """Walk the graph."""
        self.index.expansion_search = width
        return self.index.search(query, k, threads=1).keys.astype(np.int64)

    def among(self, query: Floats, k: int, rows: Numbers) -> Numbers:
        """Compare with these rows, copied out of the graph."""
        if not len(rows):
            return rows
        scores = self.index.get(rows) @ query
        best = np.argpartition(-scores, min(k, len(rows) - 1))[:k]
        return rows[best[np.argsort(-scores[best])]]
