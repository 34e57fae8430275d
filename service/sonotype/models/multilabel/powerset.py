"""Label powerset: every labelset among the prototypes is a class of its own."""

from __future__ import annotations

import numpy as np

from sonotype.models.multilabel.samples import Bools, Ints, labelset_ids


class Powerset:
    """The labelset that most neighbours carry.

    Args:
        y: labels of the prototypes, shape [m, L].
    """

    def __init__(self, y: Bools) -> None:
        self._y, self._labelset = y, labelset_ids(y)

    def labels(self, neighbours: Ints) -> Bools:
        """Labels of every query, shape [q, L], from its neighbours, shape [q, k]."""
        return self._y[self._winners(neighbours)]

    def votes(self, near: Ints) -> Bools:
        """Which labels each of the neighbours of one query brought it, shape [k, L]."""
        has_won = self._labelset[near] == self._labelset[self._winners(near[None])[0]]
        return np.asarray(has_won[:, None] & self._y[near])

    def _winners(self, neighbours: Ints) -> Ints:
        """For every query a prototype that carries the winning labelset."""
        ids = self._labelset[neighbours]
        votes = (ids[:, :, None] == ids[:, None, :]).sum(axis=2)
        best = votes.max(axis=1, keepdims=True)
        # ids are numbered by first appearance among the prototypes: the smallest wins a tie
        winner = np.where(votes == best, ids, np.iinfo(np.int64).max).argmin(axis=1)
        return np.asarray(neighbours[np.arange(len(neighbours)), winner])
