"""Multilabel kNN on prototypes: binary relevance, label powerset, ML-kNN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from sonotype.models.multilabel.distances import nearest
from sonotype.models.multilabel.explaining import Explanation, Neighbour, Reach
from sonotype.models.multilabel.mlknn import Tables
from sonotype.models.multilabel.prototype_set import PrototypeSet
from sonotype.models.multilabel.samples import Bools, Doubles, Ints, Matrix, labelset_ids

Kind = Literal["br", "lp", "ml"]
_LARGEST_K = 9


class MultiLabelKNN:
    """k nearest neighbours for several labels at once.

    `br` (BRkNN, variant a): the mean of the neighbours' labels. `lp` (label powerset): the labelset that most
    neighbours carry, the one that comes first among the prototypes where several do. `ml` (ML-kNN, Zhang and Zhou
    2007, smoothing 1): the posterior of a label given how many neighbours carry it.

    Args:
        x: positions of the prototypes, shape [m, d].
        y: their labels, shape [m, L], from 0 to 1; `lp` and `ml` take those above one half as on.
        kind: the classifier.
        k: neighbours, fewer where there are fewer prototypes; `adapted_k` unless given.
        include_self: compat of `ml`: a prototype counts among its own neighbours when the tables are made.
        members: the samples of every prototype, for `explain`.
        spread: the distances of the members of every prototype from it, ascending, for `explain`.
    """

    def __init__(
        self,
        x: Matrix,
        y: Doubles,
        *,
        kind: Kind = "br",
        k: int | None = None,
        include_self: bool = False,
        members: Sequence[Ints] | None = None,
        spread: Sequence[Doubles] | None = None,
    ) -> None:
        self._x, self._y, self.kind = x, np.asarray(y, dtype=np.float64), kind
        n = len(self._y)
        self.k = max(1, min(adapted_k(n) if k is None else k, n))
        self._hard: Bools = self._y > 0.5
        self._members, self._spread = members, spread
        if kind == "lp":
            self._labelset = labelset_ids(self._hard)
        if kind == "ml":
            self._tables = Tables(x, self._hard, self.k, include_self=include_self)

    @classmethod
    def on(cls, prototypes: PrototypeSet, *, kind: Kind = "br", k: int | None = None) -> MultiLabelKNN:
        """On a fitted set, able to explain."""
        spread = prototypes.spread
        return cls(prototypes.x, prototypes.y, kind=kind, k=k, members=prototypes.members, spread=spread)

    def scores(self, x: Matrix) -> Doubles:
        """Score of every label for every query, shape [q, L], 0 to 1: on above one half (`ml`: from one half)."""
        return self._scores(nearest(x, self._x, self.k)[1])

    def predict(self, x: Matrix) -> Bools:
        """Labels of every query, shape [q, L]; a score of exactly one half is off, except for `ml`."""
        scores = self.scores(x)
        return np.asarray(scores >= 0.5 if self.kind == "ml" else scores > 0.5)

    def explain(self, x: Doubles) -> Explanation:
        """Why one query, shape [d], gets its scores: the prototypes near it and what each contributed."""
        distances, neighbours = nearest(x.reshape(1, -1), self._x, self.k)
        scores, near = self._scores(neighbours)[0], neighbours[0]
        votes = self._votes(near)
        shares = votes / np.maximum(votes.sum(axis=0), np.finfo(np.float64).tiny)
        reach = Reach(self._spread).at(int(near[0]), float(distances[0, 0])) if self._spread is not None else None
        found = [
            Neighbour(int(number), float(distance), self._of(number), share)
            for number, distance, share in zip(near, distances[0], shares, strict=True)
        ]
        return Explanation(scores, found, reach)

    def _scores(self, neighbours: Ints) -> Doubles:
        if self.kind == "br":
            return np.asarray(self._y[neighbours].mean(axis=1))
        if self.kind == "lp":
            return self._hard[self._winners(neighbours)].astype(np.float64)
        return self._tables.posterior(self._hard[neighbours].sum(axis=1))

    def _votes(self, near: Ints) -> Doubles:
        """What every neighbour says for every label, shape [k, L]."""
        if self.kind == "br":
            return np.asarray(self._y[near])
        if self.kind == "ml":
            return self._hard[near].astype(np.float64)
        has_won = self._labelset[near] == self._labelset[self._winners(near[None])[0]]
        return np.asarray((has_won[:, None] & self._hard[near]).astype(np.float64))

    def _winners(self, neighbours: Ints) -> Ints:
        """For every query a prototype that carries the winning labelset."""
        ids = self._labelset[neighbours]
        votes = (ids[:, :, None] == ids[:, None, :]).sum(axis=2)
        best = votes.max(axis=1, keepdims=True)
        # ids are numbered by first appearance among the prototypes: the smallest wins a tie
        winner = np.where(votes == best, ids, np.iinfo(np.int64).max).argmin(axis=1)
        return np.asarray(neighbours[np.arange(len(neighbours)), winner])

    def _of(self, prototype: int) -> Ints:
        return np.empty(0, dtype=np.int64) if self._members is None else self._members[prototype]


def adapted_k(n: int) -> int:
    """Neighbours that suit a set of n prototypes, odd, 1 to 9: few prototypes stand for many samples each."""
    return int(min(_LARGEST_K, max(1, round(n**0.5 / 4)))) // 2 * 2 + 1
