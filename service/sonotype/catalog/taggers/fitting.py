"""From labelled tracks to a fitted set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sonotype.catalog.taggers.siblings import grow
from sonotype.catalog.taggers.values import Base, Said
from sonotype.core.types import Floats
from sonotype.models.multilabel import PrototypeSet
from sonotype.models.multilabel.methods import BUDGETED, Method


def fit(ids: Sequence[str], vectors: Floats, said: Said, method: Method, budget: float) -> Base:
    """Shrink labelled tracks to parts with soft prototypes.

    Args:
        ids: of the tracks.
        vectors: of unit length, shape [n, D].
        said: 1 where a track carries a label, else -1 or 0; shape [n, L].
        method: of `PrototypeSet.fit`.
        budget: share of the tracks below 1, or a number of parts; methods that end by themselves take none.

    Raises:
        SonotypeError: `invalid_request` as `PrototypeSet.fit`.
    """
    wanted = budget if method in BUDGETED else None
    found = PrototypeSet.fit(vectors.astype(np.float64), said > 0, method=method, budget=wanted)
    part_of = np.empty(len(ids), dtype=np.int64)
    for part, members in enumerate(found.members):
        part_of[members] = part
    splits, leaves = grow(np.asarray(found.x, dtype=np.float64))
    return Base(tuple(ids), vectors, said, part_of, splits, leaves)


def parts_of(budget: float, n: int) -> int:
    """Prototypes that a budget allows for n tracks."""
    return min(n, max(1, int(budget * n + 1e-9) if budget < 1 else int(budget)))
