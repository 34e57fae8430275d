"""Euclidean distances and nearest neighbours, dense or sparse, in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sonotype.models.multilabel.samples import Doubles, Ints, Matrix

_BLOCK_NUMBERS = 2**22
ROUNDING = 2.0**-40
"""Of a squared distance that comes from a matrix product, beside the squared lengths that it is the difference of."""


def pairwise(x: Matrix, *, exact: bool = False) -> Doubles:
    """Distances between all rows, shape [n, n], symmetric with a zero diagonal.

    Args:
        x: shape [n, d].
        exact: from the differences of the features, as the published code computes them, instead of from a matrix
            product: ties come out as ties.
    """
    if exact:
        from scipy.spatial.distance import cdist  # noqa: PLC0415 - of an extra

        dense = x if isinstance(x, np.ndarray) else x.toarray()
        return np.asarray(cdist(dense, dense))
    found = np.empty((x.shape[0], x.shape[0]))
    for rows in _blocks(x.shape[0], x.shape[0]):
        # the upper triangle, mirrored, so that both orders of a pair have exactly one distance
        found[rows, rows.start :] = _between(x[rows], x[rows.start :])
        found[rows.start :, rows] = found[rows, rows.start :].T
    np.fill_diagonal(found, 0.0)
    return found


def nearest(x: Matrix, to: Matrix, k: int) -> tuple[Doubles, Ints]:
    """The k nearest rows of `to` for every row of `x`: distances and numbers, nearest first, both [q, k].

    Of equally far rows the first come first.
    """
    if not x.shape[0]:
        return np.empty((0, k)), np.empty((0, k), dtype=np.int64)
    found = [_nearest(_between(x[rows], to), k) for rows in _blocks(x.shape[0], to.shape[0])]
    return np.concatenate([pair[0] for pair in found]), np.concatenate([pair[1] for pair in found])


def to_own(x: Matrix, centres: Matrix, groups: Sequence[Ints]) -> Iterator[Doubles]:
    """Distances of the samples of every group from its centre."""
    for number, group in enumerate(groups):
        if isinstance(x, np.ndarray):
            yield np.linalg.norm(x[group] - centres[number], axis=1)
        else:
            yield _between(x[group], centres[number : number + 1]).reshape(-1)


def _blocks(n: int, width: int) -> Iterator[slice]:
    rows = max(1, _BLOCK_NUMBERS // width)
    for start in range(0, n, rows):
        yield slice(start, min(n, start + rows))


def _nearest(distances: Doubles, k: int) -> tuple[Doubles, Ints]:
    if distances.shape[1] <= 4 * k:
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(distances, order, axis=1), order
    some = np.sort(np.argpartition(distances, k - 1, axis=1)[:, :k], axis=1)
    far = np.take_along_axis(distances, some, axis=1)
    for row in np.flatnonzero((distances <= far.max(axis=1, keepdims=True)).sum(axis=1) > k):
        # several lie as far as the last one that counts: the first of them count
        some[row] = np.sort(np.argsort(distances[row], kind="stable")[:k])
        far[row] = distances[row, some[row]]
    order = np.argsort(far, axis=1, kind="stable")
    return np.take_along_axis(far, order, axis=1), np.take_along_axis(some, order, axis=1)


def _between(x: Matrix, to: Matrix) -> Doubles:
    product = x @ to.T
    dense = np.asarray(product.toarray() if hasattr(product, "toarray") else product)
    lengths = norms(x)[:, None] + norms(to)[None, :]
    squared = lengths - 2.0 * dense
    lengths *= ROUNDING
    squared[squared <= lengths] = 0.0  # equal rows have no distance, whatever the order of the sums
    return np.asarray(np.sqrt(squared, out=squared))


def norms(x: Matrix) -> Doubles:
    """Squared length of every row, shape [n]."""
    if isinstance(x, np.ndarray):
        return np.asarray(np.einsum("ij,ij->i", x, x))
    return np.asarray(x.multiply(x).sum(axis=1), dtype=np.float64).reshape(-1)
