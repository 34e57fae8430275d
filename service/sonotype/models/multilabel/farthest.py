"""The farthest pair of every part of a corpus that is being split, without looking at all pairs again.

The distances of a sample to all others are sorted once. Parts only ever shrink, so the farthest partner of a sample
that is still in its part is found by moving a pointer forward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonotype.models.multilabel.samples import Doubles, Ints

_BLOCK_NUMBERS = 2**20
_STEPS = 16  # then the few samples that are left look at their whole part


@dataclass(frozen=True, slots=True)
class Pair:
    """Two samples of a part and their distance."""

    first: int
    second: int
    distance: float


class FarthestPairs:
    """Farthest pairs of disjoint parts.

    Args:
        distances: between all samples, shape [n, n], symmetric.
    """

    def __init__(self, distances: Doubles) -> None:
        n = len(distances)
        self.distances = distances
        self._order = _farthest_first(distances)
        self._place = np.zeros(n, dtype=np.int64)
        self._part = np.zeros(n, dtype=np.int64)
        self._partner: NDArray[np.int32] = self._order[:, 0].copy()
        self._next_part = 1

    def split(self, members: Ints, pair: Pair) -> tuple[Ints, Ints]:
        """The members nearer to the pair's first sample, ties included, and the others."""
        near = self.distances[members, pair.first] <= self.distances[members, pair.second]
        return members[near], members[~near]

    def pair(self, members: Ints) -> Pair:
        """The farthest pair of a part; of several the first in lexicographic order.

        Args:
            members: ascending, shape [m], m > 0; a part, or one half of a part that was split.
        """
        self._claim(members)
        far = self.distances[members, self._partner[members]]
        first = int(np.argmax(far))  # the first of equals
        one, other = int(members[first]), int(self._partner[members[first]])
        return Pair(one, other, float(far[first]))

    def _claim(self, members: Ints) -> None:
        """Make `members` a part and move the pointers of those whose partner is not in it."""
        number, self._next_part = self._next_part, self._next_part + 1
        self._part[members] = number
        rows = members[self._part[self._partner[members]] != number]
        for _ in range(_STEPS):
            if not len(rows):
                return
            self._partner[rows] = self._order[rows, self._place[rows]]
            rows = rows[self._part[self._partner[rows]] != number]
            self._place[rows] += 1
        if len(rows):
            nearest = self.distances[np.ix_(rows, members)].argmax(axis=1)
            self._partner[rows] = members[nearest]


def _farthest_first(distances: Doubles) -> NDArray[np.int32]:
    """For every sample all samples, the farthest first; among equally far ones the first one comes first."""
    order = np.empty(distances.shape, dtype=np.int32)
    rows = max(1, _BLOCK_NUMBERS // len(distances))
    for start in range(0, len(distances), rows):
        order[start : start + rows] = np.argsort(-distances[start : start + rows], axis=1, kind="stable")
    return order
