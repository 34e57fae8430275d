"""What it costs to make two siblings one again, kept up to date while the set changes."""

from __future__ import annotations

import numpy as np

from sonotype.catalog.taggers.rows import Rows
from sonotype.catalog.taggers.taught import TaughtSet
from sonotype.models.multilabel.impurity import Weights, impurity
from sonotype.models.multilabel.samples import Doubles, Ints

Pair = tuple[int, int]


class Merges:
    """Costs of all pairs of siblings; only those of parts that have changed are computed again.

    Args:
        taught: the set; its `changed` is emptied here.
        weights: of the impurity.
    """

    def __init__(self, taught: TaughtSet, weights: Weights) -> None:
        self._taught, self._weights = taught, weights
        self._costs = Rows(np.full(len(taught.sums), np.inf))  # under the lower number of a pair
        self._pairs: dict[int, Pair] = {}  # of each part that has one
        self._refresh()

    def cheapest(self, besides: int) -> tuple[Pair | None, float]:
        """The pair whose merge costs least, and its cost; `besides` is in no pair that comes."""
        self._refresh()
        costs, own = self._costs.values, self._pairs.get(besides)
        kept = np.inf
        if own is not None:
            kept, costs[own[0]] = costs[own[0]], np.inf
        place = int(costs.argmin())
        cost = float(costs[place])
        if own is not None:
            costs[own[0]] = kept
        return (self._pairs[place], cost) if np.isfinite(cost) else (None, 0.0)

    def _refresh(self) -> None:
        taught = self._taught
        while len(self._costs) < len(taught.sums):
            self._costs.append(np.inf)
        for part in taught.changed:
            for member in self._pairs.get(part, ()):
                self._pairs.pop(member, None)
                self._costs.values[member] = np.inf
        fresh = sorted({pair for part in taught.changed if (pair := taught.siblings.pair_of(part)) is not None})
        taught.changed.clear()
        for pair, cost in zip(fresh, self._of(fresh), strict=True):
            self._pairs |= dict.fromkeys(pair, pair)
            self._costs.values[pair[0]] = cost

    def _of(self, pairs: list[Pair]) -> Doubles:
        if not pairs:
            return np.empty(0)
        one, two = np.array(pairs, dtype=np.int64).T
        return np.asarray(self._impurity(one, two) - self._impurity(one) - self._impurity(two))

    def _impurity(self, *sides: Ints) -> Doubles:
        taught = self._taught
        weight = np.sum([sizes(taught, side) for side in sides], axis=0)
        sums = np.sum([taught.sums.values[side] for side in sides], axis=0)
        counts = np.sum([taught.counts.values[side] for side in sides], axis=0)
        return impurity(weight, sums, counts[:, 0], counts[:, 1], self._weights)


def sizes(taught: TaughtSet, parts: Ints) -> Ints:
    """Members of parts."""
    return np.array([len(taught.members[int(part)]) for part in parts], dtype=np.int64)
