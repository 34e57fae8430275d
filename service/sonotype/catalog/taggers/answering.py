"""What a tagger says of a vector, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonotype.catalog.taggers.taught import TaughtSet
from sonotype.core.types import Floats
from sonotype.models.multilabel.explaining import FAR, Reach
from sonotype.models.multilabel.samples import Doubles

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Near:
    """A prototype that was asked.

    Attributes:
        prototype: its number.
        distance: Euclidean, between unit vectors: 0 to 2.
        members: tracks that it stands for.
        examples: ids of those of them that lie nearest to what was heard.
        shares: of every label's score that it contributed, shape [L].
    """

    prototype: int
    distance: float
    members: int
    examples: tuple[str, ...]
    shares: Doubles


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer.

    Attributes:
        scores: of every label, the mean of its Beta posteriors in the nearest prototypes, 0 to 1, shape [L].
        near: the prototypes, nearest first.
        percentile: share of known tracks that lie nearer to their prototype than this one to its nearest, 0 to 1;
            None where no part has two tracks.
    """

    scores: Doubles
    near: Sequence[Near]
    percentile: float | None

    @property
    def is_far(self) -> bool:
        """Whether it lies far from anything known."""
        return self.percentile is not None and self.percentile >= FAR


class Answering:
    """Answers from a set.

    Args:
        taught: the set.
        k: neighbours to ask.
    """

    def __init__(self, taught: TaughtSet, k: int) -> None:
        self._taught, self._k = taught, k
        self._spread: dict[int, tuple[int, Doubles]] = {}  # with the stamp of the part
        self._reach: Reach | None = None

    def forget(self) -> None:
        """The set has changed."""
        self._reach = None

    def hear(self, vector: Floats) -> Heard:
        """The answer for a vector of unit length, shape [D]."""
        taught = self._taught
        parts = taught.nearest(vector, self._k)
        votes = taught.posterior(parts)
        shares = votes / np.maximum(votes.sum(axis=0), np.finfo(np.float64).tiny)
        apart = np.linalg.norm(taught.centres.values[parts].astype(np.float64) - vector, axis=1)
        near = [
            Near(int(part), float(distance), len(taught.members[int(part)]), self._examples(int(part), vector), share)
            for part, distance, share in zip(parts, apart, shares, strict=True)
        ]
        return Heard(votes.mean(axis=0), near, self._percentile(int(parts[0]), float(apart[0])))

    def _examples(self, part: int, vector: Floats) -> tuple[str, ...]:
        numbers = self._taught.members[part]
        order = np.argsort(-(self._taught.vectors.values[numbers] @ vector), kind="stable")[:EXAMPLES]
        return tuple(self._taught.ids[numbers[place]] for place in order)

    def _percentile(self, part: int, distance: float) -> float | None:
        parts = self._taught.parts
        if self._reach is None:
            self._spread = {int(number): self._of(int(number)) for number in parts}
            self._reach = Reach([distances for _, distances in self._spread.values()])
        return self._reach.at(int(np.searchsorted(parts, part)), distance)

    def _of(self, part: int) -> tuple[int, Doubles]:
        """The stamp of a part, and the distances of its members from its mean, ascending."""
        taught = self._taught
        stamp, known = taught.stamps[part], self._spread.get(part)
        if known is not None and known[0] == stamp:
            return known
        x = taught.vectors.values[taught.members[part]].astype(np.float64)
        return stamp, np.sort(np.linalg.norm(x - taught.centres.values[part], axis=1))
