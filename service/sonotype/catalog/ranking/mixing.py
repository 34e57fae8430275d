"""From the seeds of a query to the one vector that is searched with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sonotype.catalog.vectors import unit
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats

CANCELLED = 1e-5
"""Seeds whose sum is shorter than this share of their weights cancel out: what is left is rounding."""


def mix(vectors: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """The normalised sum of weight times unit vector.

    Args:
        vectors: one per seed, each of shape [D], of any length but zero.
        weights: one per seed; positive for "more like this", negative for "less like that".

    Returns:
        A unit vector, shape [D].

    Raises:
        SonotypeError: `invalid_request` without seeds, without a positive weight, for weights or vectors that are not
            finite, for a zero vector, and for seeds that cancel each other out.
    """
    if not weights or not all(np.isfinite(weights)) or max(weights) <= 0:
        raise SonotypeError(Code.INVALID_REQUEST, "A query needs a seed of positive weight, and finite weights.")
    units = np.stack([unit(vector) for vector in vectors])
    total = np.asarray(weights, np.float64) @ units
    if np.linalg.norm(total) <= CANCELLED * np.abs(weights).sum():
        raise SonotypeError(Code.INVALID_REQUEST, "The seeds of the query cancel each other out.")
    return unit(total)


def direction(carriers: Floats, centre: Floats) -> Floats:
    """The way from the middle of the catalogue to the tracks that carry something.

    Args:
        carriers: unit vectors of those tracks, shape [n, D].
        centre: mean of the catalogue, shape [D].

    Returns:
        A unit vector, shape [D].

    Raises:
        SonotypeError: `invalid_request` where there are no carriers, or where they are the whole catalogue.
    """
    if not len(carriers):
        raise SonotypeError(Code.INVALID_REQUEST, "No track of the catalogue carries what the seed names.")
    offset = carriers.mean(axis=0, dtype=np.float64) - centre
    if np.linalg.norm(offset) <= CANCELLED:
        raise SonotypeError(Code.INVALID_REQUEST, "What the seed names does not tell tracks of the catalogue apart.")
    return unit(offset)
