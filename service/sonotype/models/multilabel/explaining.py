"""Why a query got its labels, and whether anything known is near it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonotype.models.multilabel.samples import Doubles, Ints

FAR = 0.99
"""The percentile from which on a query lies far from anything known."""
_PRIOR = 10  # samples that the whole set counts for beside the members of the part


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A prototype near a query.

    Attributes:
        prototype: its number.
        distance: from the query.
        members: its samples.
        share: of each label's score that it contributed, shape [L]; zero where no neighbour speaks for a label.
    """

    prototype: int
    distance: float
    members: Ints
    share: Doubles


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to a query and its evidence.

    Attributes:
        scores: of every label, shape [L].
        neighbours: nearest first.
        percentile: share of samples that lie nearer to their prototype than the query to its nearest one, 0 to 1:
            of the members of that part, smoothed by those of all parts. None where no distances are known.
    """

    scores: Doubles
    neighbours: Sequence[Neighbour]
    percentile: float | None

    @property
    def is_far(self) -> bool:
        """Whether the query is far from anything known."""
        return self.percentile is not None and self.percentile >= FAR


class Reach:
    """How far from their prototypes samples lie.

    Args:
        spread: the distances of the members of every prototype from it, ascending.
    """

    def __init__(self, spread: Sequence[Doubles]) -> None:
        self._spread = spread
        # a sample alone lies on its prototype, which says nothing about what is near
        several = [distances for distances in spread if len(distances) > 1]
        self._all: Doubles = np.sort(np.concatenate(several)) if several else np.empty(0)

    def at(self, prototype: int, distance: float) -> float | None:
        """Percentile of a distance from a prototype; None where no part has two samples."""
        if not len(self._all):
            return None
        own = self._spread[prototype] if len(self._spread[prototype]) > 1 else np.empty(0)
        nearer = _PRIOR * np.searchsorted(self._all, distance) / len(self._all) + np.searchsorted(own, distance)
        return float(nearer / (_PRIOR + len(own)))
