"""A labelled corpus as the algorithms see it: vectors, labels and the id of every sample's labelset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sonotype.core.errors import Code, SonotypeError

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Matrix = Any
"""A dense array or a sparse matrix of SciPy, shape [n, d]."""


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
        features = _features(x)
        labels = _labels(y)
        if features.shape[0] != labels.shape[0]:
            raise _invalid(f"there are {features.shape[0]} rows of features and {labels.shape[0]} of labels")
        if not features.shape[0] or not features.shape[1] or not labels.shape[1]:
            raise _invalid("at least one sample, one feature and one label are needed")
        return cls(features, labels, labelset_ids(labels))


def labelset_ids(y: Bools) -> Ints:
    """Number each distinct row of `y` in order of first appearance, shape [n]."""
    packed = np.packbits(y, axis=1)
    _, first, inverse = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.reshape(-1)]


def _features(x: Matrix) -> Matrix:
    if hasattr(x, "tocsr"):
        sparse = x.tocsr().astype(np.float64)
        if not np.isfinite(sparse.data).all():
            raise _invalid("the features hold numbers that are not finite")
        return sparse
    dense = np.ascontiguousarray(x, dtype=np.float64)
    if dense.ndim != 2:
        raise _invalid("the features need the shape [samples, features]")
    if not np.isfinite(dense).all():
        raise _invalid("the features hold numbers that are not finite")
    return dense


def _labels(y: Any) -> Bools:
    dense = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
    if dense.ndim != 2:
        raise _invalid("the labels need the shape [samples, labels]")
    if dense.dtype == np.bool_:
        return np.ascontiguousarray(dense)
    if not np.isin(dense, (0, 1)).all():
        raise _invalid("labels are 0 or 1")
    return np.ascontiguousarray(dense.astype(np.bool_))


def _invalid(what: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, f"The corpus cannot be used: {what}.")
