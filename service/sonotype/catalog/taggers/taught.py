"""A set of soft prototypes that learns: members, parts, signed counts. Every step is exact, so replay is bit for bit.

Only sums, differences and quotients of single numbers decide the state; whatever chooses (nearest part, cut, merge)
stands in the log.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sonotype.catalog.taggers.rows import Rows
from sonotype.catalog.taggers.siblings import Siblings
from sonotype.catalog.taggers.values import Base, Change
from sonotype.core.types import Floats
from sonotype.models.multilabel.samples import Doubles

_PRIOR = 1.0  # tracks that the share in the whole set counts for beside the members of a part


class TaughtSet:
    """n tracks in m parts, L labels, D dimensions.

    Attributes:
        ids: of the tracks.
        number: of each id.
        members: numbers of the tracks of each part, by the part's number.
        vectors: of the tracks, of unit length.
        said: 1 is, -1 is not, 0 nothing known, for each track and label.
        sums: of the vectors of each part.
        counts: members that carry, and that do not carry, each label: [part, 2, L].
        siblings: the tree over the parts.
        stamps: of each part, another number whenever it has changed.
        changed: parts that have, until somebody empties this.
    """

    def __init__(self, base: Base) -> None:
        n_labels = base.said.shape[1]
        self.ids = list(base.ids)
        self.number = {track: number for number, track in enumerate(base.ids)}
        self.vectors = Rows(base.vectors)
        self.said = Rows(base.said)
        self.members: dict[int, list[int]] = {part: [] for part in range(len(base.leaves))}
        for number, part in enumerate(base.part_of.tolist()):
            self.members[part].append(number)
        self.part_of = base.part_of.tolist()
        self.sums = Rows(np.zeros((len(self.members), base.vectors.shape[1])))
        self.counts = Rows(np.zeros((len(self.members), 2, n_labels), dtype=np.int64))
        self.centres = Rows(np.zeros((len(self.members), base.vectors.shape[1]), dtype=np.float32))
        self.offsets = Rows(np.zeros(len(self.members), dtype=np.float32))
        self.siblings = Siblings(base.splits, base.leaves)
        self.free: list[int] = []
        self.stamps: dict[int, int] = {}
        self.changed: set[int] = set()
        self._clock = 0
        for part in self.members:
            self._recount(part)
        self.totals = self.counts.values.sum(axis=0)

    def __len__(self) -> int:
        return len(self.members)

    @property
    def dim(self) -> int:
        """D."""
        return int(self.vectors.values.shape[1])

    @property
    def parts(self) -> NDArray[np.int64]:
        """Numbers of the parts, ascending, shape [m]."""
        return np.array(sorted(self.members), dtype=np.int64)

    def prior(self) -> Doubles:
        """Share of the tracks that carry each label, by what is known, smoothed, shape [L]."""
        return np.asarray((self.totals[0] + 1.0) / (self.totals.sum(axis=0) + 2.0))

    def posterior(self, parts: NDArray[np.int64]) -> Doubles:
        """Mean of the Beta posterior of every label in parts, shape [len(parts), L]."""
        counts = self.counts.values[parts]
        return np.asarray((counts[:, 0] + _PRIOR * self.prior()) / (counts.sum(axis=1) + _PRIOR))

    def nearest(self, vector: Floats, count: int = 1) -> NDArray[np.int64]:
        """The nearest parts, nearest first; of equally near ones the lower number."""
        far = self.offsets.values - 2.0 * (self.centres.values @ vector)
        count = min(count, len(self))
        return np.array([far.argmin()]) if count == 1 else np.asarray(np.argsort(far, kind="stable")[:count])

    def replay(self, change: Change) -> None:
        """Do what was acknowledged."""
        assert change.track is not None  # noqa: S101 - only feedback is replayed
        assert change.label is not None  # noqa: S101
        if change.vector is not None and change.part is not None:
            self.join(change.track, change.vector, change.part)
        self.judge(change.track, change.label, positive=bool(change.positive))
        if change.split is not None:
            self.split(change.split.part, change.split.moved)
        if change.merge is not None:
            self.merge(*change.merge)

    def join(self, track: str, vector: Floats, part: int) -> None:
        """A track becomes a member of a part; nothing is known of its labels."""
        number = len(self.ids)
        self.ids.append(track)
        self.number[track] = number
        self.vectors.append(vector)
        self.said.append(np.zeros(self.said.values.shape[1], dtype=np.int8))
        self.members[part].append(number)
        self.part_of.append(part)
        self.sums.values[part] += vector
        self._move(part)

    def judge(self, track: str, label: int, *, positive: bool) -> None:
        """A track carries a label, or does not: what was known before counts no more."""
        number = self.number[track]
        part, before = self.part_of[number], int(self.said.values[number, label])
        if before:
            self._count(part, label, positive=before > 0, step=-1)
        self.said.values[number, label] = 1 if positive else -1
        self._count(part, label, positive=positive, step=1)
        self._stamp(part)

    def split(self, part: int, moved: tuple[int, ...]) -> int:
        """Some members become a part of their own; its number."""
        new = self.free.pop() if self.free else len(self.sums)
        if new == len(self.sums):
            for rows in (self.sums, self.counts, self.centres, self.offsets):
                rows.append(np.zeros_like(rows.values[0]))
        leaving = set(moved)
        self.members[new] = list(moved)
        self.members[part] = [number for number in self.members[part] if number not in leaving]
        for number in moved:
            self.part_of[number] = new
        self.siblings.split(part, new)
        self._recount(part)
        self._recount(new)
        return new

    def merge(self, into: int, gone: int) -> None:
        """A part takes its sibling in."""
        for number in self.members[gone]:
            self.part_of[number] = into
        self.members[into] += self.members.pop(gone)
        self.sums.values[into] += self.sums.values[gone]
        self.counts.values[into] += self.counts.values[gone]
        self.offsets.values[gone] = np.inf
        self.siblings.merge(into, gone)
        self.free.append(gone)
        del self.stamps[gone]
        self.changed.add(gone)
        self._move(into)

    def _count(self, part: int, label: int, *, positive: bool, step: int) -> None:
        sign = 0 if positive else 1
        self.counts.values[part, sign, label] += step
        self.totals[sign, label] += step

    def _recount(self, part: int) -> None:
        numbers = self.members[part]
        said = self.said.values[numbers]
        # one row after the other, whatever the machine: pairwise sums would depend on the memory's layout
        self.sums.values[part] = np.add.accumulate(self.vectors.values[numbers], axis=0, dtype=np.float64)[-1]
        self.counts.values[part] = (said > 0).sum(axis=0), (said < 0).sum(axis=0)
        self._move(part)

    def _move(self, part: int) -> None:
        """The mean of a part, and its squared length; both only for looking what is near."""
        centre = self.sums.values[part] / len(self.members[part])
        self.centres.values[part] = centre
        self.offsets.values[part] = np.add.accumulate(centre * centre)[-1]  # in order, as in `_recount`
        self._stamp(part)

    def _stamp(self, part: int) -> None:
        self._clock += 1
        self.stamps[part] = self._clock
        self.changed.add(part)
