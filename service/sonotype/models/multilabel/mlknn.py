"""The tables of ML-kNN: how likely a label is, given how many neighbours carry it."""

from __future__ import annotations

import numpy as np

from sonotype.models.multilabel.distances import nearest
from sonotype.models.multilabel.samples import Bools, Doubles, Ints, Matrix


class Tables:
    """Prior and likelihoods with smoothing 1 (Zhang and Zhou, Pattern Recognition 40 (2007) 2038).

    Args:
        x: training points, shape [n, d].
        y: their labels, shape [n, L].
        k: neighbours.
        include_self: a point counts among its own neighbours, as in the code that the published experiments ran.
    """

    def __init__(self, x: Matrix, y: Bools, k: int, *, include_self: bool) -> None:
        n = len(y)
        own = 0 if include_self else 1
        _, neighbours = nearest(x, x, min(n, k + own))
        if not include_self:
            neighbours = _without_self(neighbours)
        counts = y[neighbours].sum(axis=1)
        self.prior = (1.0 + y.sum(axis=0)) / (2.0 + n)
        self.on = _likelihood(counts, y, k)
        self.off = _likelihood(counts, ~y, k)

    def posterior(self, counts: Ints) -> Doubles:
        """Probability of every label given how many neighbours carry it, both of shape [q, L]."""
        label = np.arange(len(self.prior))
        yes = self.prior * self.on[counts, label]
        no = (1.0 - self.prior) * self.off[counts, label]
        return np.asarray(yes / (yes + no))


def _likelihood(counts: Ints, among: Bools, k: int) -> Doubles:
    """How often 0 … k neighbours of those `among` carry a label, shape [k + 1, L]."""
    found = np.stack([((counts == number) & among).sum(axis=0) for number in range(k + 1)])
    return np.asarray((1.0 + found) / (k + 1 + found.sum(axis=0)))


def _without_self(neighbours: Ints) -> Ints:
    """Every row without its own number, or without its last where it does not hold it (equal samples)."""
    rows = np.arange(len(neighbours))
    own = neighbours == rows[:, None]
    drop = np.where(own.any(axis=1), own.argmax(axis=1), neighbours.shape[1] - 1)
    keep = np.ones_like(neighbours, dtype=np.bool_)
    keep[rows, drop] = False
    return np.asarray(neighbours[keep].reshape(len(neighbours), -1))
