"""From labelled tracks to a fitted set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sonotype.catalog.taggers.siblings import grow
from sonotype.catalog.taggers.values import Base, Said
from sonotype.core.types import Floats
from sonotype.models.multilabel import PrototypeSet
from sonotype.models.multilabel.methods import BUDGETED, Method

# one prototype for everything would give every track the same answer
FEWEST = 8


def fit(ids: Sequence[str], vectors: Floats, said: Said, method: Method, budget: float) -> Base:
    """Shrink labelled tracks to parts with soft prototypes.

    Args:
        ids: of the tracks.
        vectors: of unit length, shape [n, D].
        said: 1 where a track carries a label, else -1 or 0; shape [n, L].
        method: of `PrototypeSet.fit`.
        budget: as `parts_of` takes it; methods that end by themselves take none.

    Raises:
        SonotypeError: `invalid_request` as `PrototypeSet.fit`.
    """
    wanted = parts_of(budget, len(ids)) if method in BUDGETED else None
    found = PrototypeSet.fit(vectors.astype(np.float64), said > 0, method=method, budget=wanted)
    part_of = np.empty(len(ids), dtype=np.int64)
    for part, members in enumerate(found.members):
        part_of[members] = part
    splits, leaves = grow(np.asarray(found.x, dtype=np.float64))
    return Base(tuple(ids), vectors, said, part_of, splits, leaves)


def parts_of(budget: float, n: int) -> int:
    """Prototypes that a budget allows for n tracks: a share below 1, but never fewer than a handful, or a number."""
    return min(n, max(FEWEST, int(budget * n + 1e-9)) if budget < 1 else int(budget))
