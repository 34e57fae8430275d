"""What is refused before anything is computed from it, in one sentence each."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from sonotype.core.errors import Code, SonotypeError

_LARGEST = 1e100
"""Whose squares, summed over any corpus, are still numbers."""


def features(x: Any, what: str = "features", width: int | None = None) -> Any:
    """Rows of numbers: a C-ordered float64 array, or a canonical sparse CSR matrix of float64, shape [n, d].

    Args:
        x: what was given.
        what: it is, for the error.
        width: d that is needed; any unless given.

    Raises:
        SonotypeError: `invalid_request` for another shape, for what is no number, and for numbers that are not finite
            or beyond 1e100.
    """
    found = _sparse(x) if hasattr(x, "tocsr") else _dense(x, what)
    if found.ndim != 2:
        raise refused(f"the {what} need the shape [samples, features]")
    if width is not None and found.shape[1] != width:
        raise refused(f"the {what} have {found.shape[1]} features, not {width}")
    values = found if isinstance(found, np.ndarray) else found.data
    if not np.isfinite(values).all():
        raise refused(f"the {what} hold numbers that are not finite")
    if values.size and max(values.max(), -values.min()) > _LARGEST:
        raise refused(f"the {what} hold numbers beyond {_LARGEST:.0e}")
    return found


def labels(y: Any) -> NDArray[np.bool_]:
    """Labels, dense, shape [n, L]. Raises `invalid_request` for another shape, or what is neither 0 nor 1."""
    try:
        dense = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
    except ValueError:
        dense = np.empty(0)  # rows of different lengths
    if dense.ndim != 2:
        raise refused("the labels need the shape [samples, labels]")
    if not np.isin(dense, (0, 1)).all():
        raise refused("labels are 0 or 1")
    return np.ascontiguousarray(dense.astype(np.bool_))


def prototypes(x: Any, y: Any) -> tuple[Any, NDArray[np.float64]]:
    """Positions as `features`, and labels from 0 to 1, shape [m, L]. Raises `invalid_request`."""
    positions, shares = features(x, "prototypes"), np.asarray(y, dtype=np.float64)
    if shares.ndim != 2 or len(shares) != positions.shape[0] or not ((shares >= 0) & (shares <= 1)).all():
        raise refused("every prototype needs labels from 0 to 1")
    if not len(shares):
        raise refused("there is none to ask")
    return positions, shares


def one_of(value: str, names: Any, what: str) -> None:
    """Raises `invalid_request` for a value that is none of the names of a `Literal`."""
    known = get_args(names)
    if value not in known:
        raise refused(f"the {what} must be one of {', '.join(known)}")


def refused(why: str) -> SonotypeError:
    """The error to raise."""
    return SonotypeError(Code.INVALID_REQUEST, f"No prototypes: {why}.")


def _dense(x: Any, what: str) -> NDArray[np.float64]:
    try:
        return np.ascontiguousarray(x, dtype=np.float64) if np.ndim(x) else np.empty(0)
    except (ValueError, TypeError):
        raise refused(f"the {what} are no table of numbers") from None


def _sparse(x: Any) -> Any:
    found = x.tocsr().astype(np.float64)
    found.sum_duplicates()
    found.eliminate_zeros()
    return found
