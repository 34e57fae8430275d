"""Coarse cells over the rows: where to look when a filter keeps rows far away from the query.

A walk of the graph stays around the query, and a filter that follows the music (a genre, an artist) may keep nothing
there. Cells name the rows that are nearest among those kept, at a cost that has a bound.
"""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from bench.catalog.engines.port import Floats

COUNT = 1024
_SAMPLE = 60_000
_ROWS_A_CELL = 39  # fewer are too few to place a centre
_BLOCK = 50_000


class Cells:
    """The cell of each row, and the centres."""

    def __init__(self) -> None:
        self._centres: Floats | None = None
        self._cell = np.empty(0, np.int16)

    def train(self, vectors: Floats) -> None:
        """Place the centres by k-means over a sample and assign every row."""
        step = max(1, len(vectors) // _SAMPLE)
        sample = np.ascontiguousarray(vectors[::step])
        means = faiss.Kmeans(vectors.shape[1], max(1, min(COUNT, len(sample) // _ROWS_A_CELL)), niter=8, spherical=True)
        means.train(sample)
        self._centres, self._cell = means.centroids, np.empty(0, np.int16)
        for begin in range(0, len(vectors), _BLOCK):
            self.extend(vectors[begin : begin + _BLOCK])

    def extend(self, vectors: Floats) -> None:
        """Assign new rows; without centres there is nothing to do."""
        if self._centres is not None:
            found = faiss.knn(np.ascontiguousarray(vectors), self._centres, 1, metric=faiss.METRIC_INNER_PRODUCT)[1]
            self._cell = np.concatenate([self._cell, found[:, 0].astype(np.int16)])

    def near(self, query: Floats, rows: NDArray[np.int64], budget: int) -> NDArray[np.int64]:
        """Of these rows, those of the nearest cells: at least `budget`, if there are so many."""
        if self._centres is None or len(rows) <= budget:
            return rows
        cells = self._cell[rows]
        order = np.argsort(-(self._centres @ query))
        reached = np.cumsum(np.bincount(cells, minlength=len(order))[order])
        chosen = np.zeros(len(order), bool)
        chosen[order[: int(np.searchsorted(reached, budget)) + 1]] = True
        return rows[chosen[cells]]

    def save(self, path: Path) -> None:
        """Write centres and cells."""
        if self._centres is not None:
            np.savez(path, centres=self._centres, cell=self._cell)

    def load(self, path: Path) -> None:
        """Read what `save` wrote, if it did."""
        if path.exists():
            with np.load(path) as archive:
                self._centres, self._cell = archive["centres"], archive["cell"]
