"""Multilabel kNN on prototypes: binary relevance, label powerset, ML-kNN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sonotype.models.multilabel import checks
from sonotype.models.multilabel.distances import nearest
from sonotype.models.multilabel.explaining import Explanation, Neighbour, Reach
from sonotype.models.multilabel.mlknn import Tables
from sonotype.models.multilabel.powerset import Powerset
from sonotype.models.multilabel.prototype_set import PrototypeSet
from sonotype.models.multilabel.samples import Bools, Doubles, Ints, Matrix, origin

Kind = Literal["br", "lp", "ml"]
Votes = Literal["equal", "near"]
_SHARPNESS = 3.0  # of near votes: the farthest of k neighbours counts exp(-3) of one at no distance


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
        votes: of `br`: `equal` as published, or `near`: nearer neighbours count more, and larger prototypes more by
            the square root of their weight.
        weight: samples of every prototype, shape [m]; one each unless given.
        include_self: compat of `ml`: a prototype counts among its own neighbours when the tables are made.
        members: the samples of every prototype, for `explain`.
        spread: the distances of the members of every prototype from it, ascending, for `explain`.

    Raises:
        SonotypeError: `invalid_request` for no prototypes, other shapes, numbers that are not finite, or a classifier
            that is none; the methods, for queries of another shape or with such numbers.
    """

    def __init__(
        self,
        x: Matrix,
        y: Doubles,
        *,
        kind: Kind = "br",
        k: int | None = None,
        votes: Votes = "equal",
        weight: NDArray[Any] | None = None,
        include_self: bool = False,
        members: Sequence[Ints] | None = None,
        spread: Sequence[Doubles] | None = None,
    ) -> None:
        checks.one_of(kind, Kind, "kind")
        checks.one_of(votes, Votes, "votes")
        if k is not None and k < 1:
            raise checks.refused("at least one neighbour must be asked")
        self._x, self._y, self.kind = *checks.prototypes(x, y), kind
        n = len(self._y)
        self._origin = origin(self._x)
        if self._origin is not None:
            self._x = self._x - self._origin
        self.votes: Votes = votes if kind == "br" else "equal"
        self.k = max(1, min(adapted_k(n, self.votes) if k is None else k, n))
        self._strength: Doubles = np.sqrt(np.ones(n) if weight is None else weight)
        self._hard: Bools = self._y > 0.5
        self._members = members
        self._reach = None if spread is None else Reach(spread)
        if kind == "lp":
            self._powerset = Powerset(self._hard)
        if kind == "ml":
            self._tables = Tables(self._x, self._hard, self.k, include_self=include_self)

    @classmethod
    def on(
        cls, prototypes: PrototypeSet, *, kind: Kind = "br", k: int | None = None, votes: Votes = "near"
    ) -> MultiLabelKNN:
        """On a fitted set, able to explain."""
        known: dict[str, Any] = {"weight": prototypes.weight, "members": prototypes.members}
        return cls(prototypes.x, prototypes.y, kind=kind, k=k, votes=votes, spread=prototypes.spread, **known)

    def scores(self, x: Matrix) -> Doubles:
        """Score of every label for every query, shape [q, L], 0 to 1: on above one half (`ml`: from one half)."""
        return self._scores(*self._nearest(x))

    def predict(self, x: Matrix) -> Bools:
        """Labels of every query, shape [q, L]; a score of exactly one half is off, except for `ml`."""
        scores = self.scores(x)
        return np.asarray(scores >= 0.5 if self.kind == "ml" else scores > 0.5)

    def explain(self, x: Doubles) -> Explanation:
        """Why one query, shape [d], gets its scores: the prototypes near it and what each contributed."""
        distances, neighbours = self._nearest(x.reshape(1, -1))
        scores, near = self._scores(distances, neighbours)[0], neighbours[0]
        votes = self._votes(distances, near)
        shares = votes / np.maximum(votes.sum(axis=0), np.finfo(np.float64).tiny)
        reach = self._reach.at(int(near[0]), float(distances[0, 0])) if self._reach else None
        found = [
            Neighbour(int(number), float(distance), self._of(number), share)
            for number, distance, share in zip(near, distances[0], shares, strict=True)
        ]
        return Explanation(scores, found, reach)

    def _nearest(self, x: Matrix) -> tuple[Doubles, Ints]:
        queries = checks.features(x, "queries", self._x.shape[1])
        if self._origin is not None:
            queries = (queries if isinstance(queries, np.ndarray) else queries.toarray()) - self._origin
        return nearest(queries, self._x, self.k)

    def _scores(self, distances: Doubles, neighbours: Ints) -> Doubles:
        if self.kind == "br" and self.votes == "equal":
            return np.asarray(self._y[neighbours].mean(axis=1))
        if self.kind == "br":
            return np.asarray(np.einsum("qk,qkl->ql", self._weigh(distances, neighbours), self._y[neighbours]))
        if self.kind == "lp":
            return self._powerset.labels(neighbours).astype(np.float64)
        return self._tables.posterior(self._hard[neighbours].sum(axis=1))

    def _weigh(self, distances: Doubles, neighbours: Ints) -> Doubles:
        """What the word of each neighbour counts, shape [q, k], rows of sum 1."""
        if self.votes == "equal":
            return np.full(distances.shape, 1.0 / distances.shape[1])
        reach = np.maximum(distances[:, -1:], np.finfo(np.float32).tiny)
        weights = np.exp(-_SHARPNESS * (distances / reach) ** 2) * self._strength[neighbours]
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def _votes(self, distances: Doubles, near: Ints) -> Doubles:
        """What every neighbour says for every label, shape [k, L]."""
        if self.kind == "br":
            return np.asarray(self._weigh(distances, near[None])[0][:, None] * self._y[near])
        if self.kind == "ml":
            return self._hard[near].astype(np.float64)
        return self._powerset.votes(near).astype(np.float64)

    def _of(self, prototype: int) -> Ints:
        return np.empty(0, dtype=np.int64) if self._members is None else self._members[prototype]


def adapted_k(n: int, votes: Votes = "equal") -> int:
    """Neighbours that suit a set of n prototypes, odd: the fewer there are, the farther away the next ones are.

    The square root of n, at most 15, where near ones count more; the fourth root, at most 9, where all count the same.
    """
    root = min(15, round(n**0.5)) if votes == "near" else min(9, round(n**0.25))
    return int(root) // 2 * 2 + 1
