"""Induced label noise that does what it says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


def swapped(y: Bools, share: float, seed: int) -> Bools:
    """Labels with a share of the samples' labelsets swapped in pairs, which keeps how often each label occurs.

    Always from clean labels, and only between samples that differ: a swap of equal labelsets changes nothing. Fewer
    are swapped where no two different ones are left.
    """
    rng = np.random.default_rng(seed)
    _, ids = np.unique(y, axis=0, return_inverse=True)
    order = rng.permutation(len(y)).tolist()
    noisy, wanted = y.copy(), round(share * len(y) / 2)
    ids = ids.reshape(-1)
    while wanted and len(order) > 1:
        one = order.pop()
        other = next((place for place in range(len(order) - 1, -1, -1) if ids[order[place]] != ids[one]), None)
        if other is not None:
            partner = order.pop(other)
            noisy[[one, partner]] = y[[partner, one]]
            wanted -= 1
    return noisy
