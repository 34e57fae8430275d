"""The middle of every part: median or mean of every feature, dense or sparse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sonotype.models.multilabel.samples import Doubles, Ints, Matrix


def medians(x: Matrix, parts: Sequence[Ints]) -> Matrix:
    """Median of every feature in every part, shape [m, d]; of an even count the mean of the two middle values.

    Sparse where `x` is: only columns that are non-zero in at least half of a part's rows can have a median other
    than zero.
    """
    if isinstance(x, np.ndarray):
        return _dense_medians(x, parts)
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - whoever has a sparse matrix has it

    columns, values = [], []
    for part in parts:
        found, middle = _sparse_median(x[part])
        columns.append(found)
        values.append(middle)
    bounds = np.concatenate([[0], np.cumsum([len(found) for found in columns])])
    return csr_matrix((np.concatenate(values), np.concatenate(columns), bounds), shape=(len(parts), x.shape[1]))


def median(x: Matrix) -> Doubles:
    """Median of every feature of one part, dense, shape [d]."""
    if isinstance(x, np.ndarray):
        return np.asarray(np.median(x, axis=0), dtype=np.float64)
    middle = np.zeros(x.shape[1])
    columns, values = _sparse_median(x)
    middle[columns] = values
    return middle


def mean(x: Matrix) -> Doubles:
    """Mean of every feature of one part, dense, shape [d]."""
    return np.asarray(x.mean(axis=0), dtype=np.float64).reshape(-1)


def row(x: Matrix, number: int) -> Doubles:
    """One sample, dense, shape [d]."""
    found = x[number]
    return found if isinstance(found, np.ndarray) else np.asarray(found.toarray()).reshape(-1)


def means(x: Matrix, parts: Sequence[Ints]) -> Matrix:
    """Mean of every feature in every part, shape [m, d]; sparse where `x` is."""
    if isinstance(x, np.ndarray):
        return np.stack([x[part].mean(axis=0) for part in parts])
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - as above

    sizes = np.array([len(part) for part in parts], dtype=np.int64)
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    weights = np.repeat(1.0 / sizes, sizes)
    return csr_matrix((weights, np.concatenate(parts), bounds), shape=(len(parts), x.shape[0])) @ x


def _dense_medians(x: Doubles, parts: Sequence[Ints]) -> Doubles:
    """All parts of one size at once."""
    found = np.empty((len(parts), x.shape[1]))
    by_size: dict[int, list[int]] = {}
    for number, part in enumerate(parts):
        by_size.setdefault(len(part), []).append(number)
    for numbers in by_size.values():
        found[numbers] = np.median(x[np.stack([parts[number] for number in numbers])], axis=1)
    return found


def _sparse_median(x: Matrix) -> tuple[Ints, Doubles]:
    """The columns whose median may be other than zero, and those medians."""
    counts = np.bincount(x.indices, minlength=x.shape[1])
    columns = np.flatnonzero(2 * counts >= x.shape[0])
    if not len(columns):
        return columns, np.empty(0)
    return columns, np.median(x[:, columns].toarray(), axis=0)
