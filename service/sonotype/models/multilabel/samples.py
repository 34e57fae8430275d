"""A labelled corpus as the algorithms see it: vectors, labels and the id of every sample's labelset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sonotype.models.multilabel import checks

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Matrix = Any
"""A dense array or a sparse matrix of SciPy, shape [n, d]."""
_FAR_AWAY = 100.0**2


@dataclass(frozen=True, slots=True)
class Samples:
    """n samples of d features with L labels.

    Attributes:
        x: features, shape [n, d]; float64, or a sparse CSR matrix of float64.
        y: labels, shape [n, L].
        labelset: number of each sample's labelset (its exact row of `y`), in order of first appearance, shape [n].
    """

    x: Matrix
    y: Bools
    labelset: Ints

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.y)

    @property
    def is_sparse(self) -> bool:
        """Whether `x` is a sparse matrix."""
        return not isinstance(self.x, np.ndarray)

    def take(self, members: Ints) -> Samples:
        """Some of the samples; labelsets keep their numbers."""
        return Samples(self.x[members], self.y[members], self.labelset[members])

    @classmethod
    def of(cls, x: Matrix, y: Any) -> Samples:
        """Check and wrap a corpus.

        Raises:
            SonotypeError: `invalid_request` for no samples, other shapes than [n, d] and [n, L], numbers that are
                not finite, or labels that are neither 0 nor 1.
        """
        features, labels = checks.features(x), checks.labels(y)
        if features.shape[0] != labels.shape[0]:
            raise checks.refused(f"there are {features.shape[0]} rows of features and {labels.shape[0]} of labels")
        if not features.shape[0] or not features.shape[1] or not labels.shape[1]:
            raise checks.refused("at least one sample, one feature and one label are needed")
        return cls(features, labels, labelset_ids(labels))

    def near_zero(self) -> Samples:
        """The same corpus around the origin, where it lies so far away that squared lengths would drown distances."""
        start = origin(self.x)
        return self if start is None else replace(self, x=self.x - start)


def labelset_ids(y: Bools) -> Ints:
    """Number each distinct row of `y` in order of first appearance, shape [n]."""
    packed = np.packbits(y, axis=1)
    _, first, inverse = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.reshape(-1)]


def origin(x: Matrix) -> Doubles | None:
    """The mean of points, shape [d], where they lie a hundred times as far from zero as from each other; else None.

    Distances that come from a matrix product lose as many digits as the square of that. Sparse ones are left alone.
    """
    if not isinstance(x, np.ndarray):
        return None
    mean = x.mean(axis=0)
    spread = np.square(x - mean).sum() / len(x)
    return mean if mean @ mean > _FAR_AWAY * spread else None
