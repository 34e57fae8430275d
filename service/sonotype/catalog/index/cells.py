"""A coarse map of the vectors: it bounds what a filter can cost that leads away from the query.

The vectors are divided by k-means, as in an inverted file (Jégou, Douze & Schmid, "Product quantization for nearest
neighbor search", TPAMI 33 (2011), section IV). Where the graph cannot serve a filter, only the allowed vectors in the
cells nearest to the query are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import faiss as _faiss
import numpy as np
from numpy.typing import NDArray

from sonotype.catalog.index.values import Integers
from sonotype.core.types import Floats

faiss: Any = _faiss  # its type stubs know half of what it has

POINTS = 64  # vectors for each cell that k-means looks at
_GROWTH = 4  # times as many vectors as at the last division make it too coarse
_ROUNDS = 10
_SEED = 1
_BLOCK = 4_096


@dataclass(frozen=True, slots=True)
class Cells:
    """Which cell each position is in.

    Attributes:
        centres: unit vectors, shape [C, D]; C is 0 where there is no map.
        of: cell of each position, shape [n].
        divided_at: vectors there were when they were divided.
    """

    centres: Floats
    of: NDArray[np.int16]
    divided_at: int

    @classmethod
    def none(cls, dim: int) -> Cells:
        """No map."""
        return cls(np.empty((0, dim), np.float32), np.empty(0, np.int16), 0)

    def __bool__(self) -> bool:
        return len(self.centres) > 0

    def due(self, count: int, least: int) -> bool:
        """Whether so many vectors should be divided anew; fewer than `least` never."""
        return count >= max(least, _GROWTH * self.divided_at)

    def with_more(self, vectors: Floats) -> Cells:
        """The map with vectors [n, D] at the next positions."""
        if not self:
            return self
        return Cells(self.centres, np.concatenate([self.of, assign(vectors, self.centres)]), self.divided_at)

    def around(self, vector: Floats, positions: Integers, enough: int) -> Integers:
        """Those of the positions [n] in the cells nearest to a vector [D]: `enough` of them, or a little more."""
        cells = self.of[positions]
        nearest = np.argsort(-(self.centres @ vector))
        held = np.cumsum(np.bincount(cells, minlength=len(nearest))[nearest])
        near = np.zeros(len(nearest), np.bool_)
        near[nearest[: np.searchsorted(held, enough) + 1]] = True
        return positions[near[cells]]


def centres(vectors: Floats, count: int) -> Floats:
    """Centres [count, D] of cells for vectors [n, D] like these, by k-means on the unit sphere."""
    kmeans = faiss.Kmeans(vectors.shape[1], count, niter=_ROUNDS, spherical=True, seed=_SEED, min_points_per_centroid=1)
    kmeans.train(vectors)
    return np.asarray(kmeans.centroids, dtype=np.float32)


def assign(vectors: Floats, centres_: Floats) -> NDArray[np.int16]:
    """The nearest centre of each vector [n, D], shape [n]."""
    blocks = (vectors[start : start + _BLOCK] for start in range(0, len(vectors), _BLOCK))
    nearest = [np.argmax(block @ centres_.T, axis=1).astype(np.int16) for block in blocks]
    return np.concatenate([np.empty(0, np.int16), *nearest])
