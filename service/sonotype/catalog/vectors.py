"""Vectors as the engines keep them: of unit length, so that an inner product is a cosine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats


def unit(vector: Floats | NDArray[np.float64], dim: int | None = None) -> Floats:
    """The vector with length one, computed in double precision.

    Args:
        vector: of any length but zero, shape [dim].
        dim: what the generation holds; None means any, where it was checked before.

    Raises:
        SonotypeError: `invalid_request` for another shape, or values that are not finite or all zero.
    """
    values = np.asarray(vector, np.float64)
    if dim is not None and values.shape != (dim,):
        raise SonotypeError(Code.INVALID_REQUEST, f"The embedding must have {dim} values.")
    with np.errstate(over="ignore", invalid="ignore"):
        length = float(np.sqrt(values @ values))
    if not np.isfinite(length) or length == 0.0:
        raise SonotypeError(Code.INVALID_REQUEST, "The values of the embedding must be finite and not all zero.")
    return (values / length).astype(np.float32)
