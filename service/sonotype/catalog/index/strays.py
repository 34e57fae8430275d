"""Vectors that the graph does not lead to, compared one by one in every search.

HNSW promises nothing about reachability: a node can lose all links to it when its neighbours prefer others, and many
equal vectors link only to each other. A few in ten thousand are hit, which is nothing for recall and everything for
the one who looks for that track. So each vector is looked for after it was merged, and now and then again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sonotype.catalog.index.segment import Segment
from sonotype.catalog.index.values import Integers
from sonotype.core.types import Floats

_AMONG = 10  # results among which a vector must find itself
_SAME = 1 - 1e-6  # cosine of equal vectors: enough of them are as good an answer as itself


@dataclass(frozen=True, slots=True)
class Strays:
    """Positions [n], ascending, with their vectors [n, D]."""

    positions: Integers
    vectors: Floats

    @classmethod
    def of(cls, segment: Segment, positions: Integers) -> Strays:
        """These positions of a segment."""
        return cls(positions, segment.vectors(positions))

    def after(self, segment: Segment, checked: Integers, unfound: Integers) -> Strays:
        """What they are when some were checked again and these of them were not found."""
        others = np.setdiff1d(self.positions, checked)
        if len(others) == len(self.positions) and not len(unfound):
            return self
        return Strays.of(segment, np.union1d(others, unfound))


def unfound(segment: Segment, positions: Integers, width: int) -> Integers:
    """Those of the positions [n] that a search for their own vector misses."""
    vectors = segment.vectors(positions)
    found, similarity = segment.near_many(vectors, min(_AMONG, len(segment)), width)
    there = (found == positions[:, None]).any(axis=1) | (similarity[:, -1] >= _SAME)
    return np.asarray(positions[~there])
