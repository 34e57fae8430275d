"""A set of soft prototypes that learns: members, parts, signed counts.

Whatever chooses (nearest part, cut, merge) stands in the log, so that replay chooses nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sonotype.catalog.taggers.figures import Figures
from sonotype.catalog.taggers.rows import Rows
from sonotype.catalog.taggers.siblings import Siblings
from sonotype.catalog.taggers.values import Base, Change
from sonotype.core.types import Floats


class TaughtSet(Figures):
    """n tracks in m parts, L labels, D dimensions.

    Attributes:
        ids: of the tracks.
        number: of each id.
        members: numbers of the tracks of each part, by the part's number.
        part_of: part of each track.
        vectors: of the tracks, of unit length.
        said: 1 is, -1 is not, 0 nothing known, for each track and label.
        siblings: the tree over the parts.
        free: numbers that no part has any more.
    """

    def __init__(self, base: Base) -> None:
        super().__init__(len(base.leaves), base.vectors.shape[1], base.said.shape[1])
        self.ids = list(base.ids)
        self.number = {track: number for number, track in enumerate(base.ids)}
        self.vectors = Rows(base.vectors)
        self.said = Rows(base.said)
        self.members: dict[int, list[int]] = {part: [] for part in range(len(base.leaves))}
        for number, part in enumerate(base.part_of.tolist()):
            self.members[part].append(number)
        self.part_of = base.part_of.tolist()
        self.siblings = Siblings(base.splits, base.leaves)
        self.free: list[int] = []
        for part in self.members:
            self._recount_members(part)
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
        self._move(part, len(self.members[part]))

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
        new = self.free.pop() if self.free else self._make()
        leaving = set(moved)
        self.members[new] = list(moved)
        self.members[part] = [number for number in self.members[part] if number not in leaving]
        for number in moved:
            self.part_of[number] = new
        self.siblings.split(part, new)
        self._recount_members(part)
        self._recount_members(new)
        return new

    def merge(self, into: int, gone: int) -> None:
        """A part takes its sibling in."""
        for number in self.members[gone]:
            self.part_of[number] = into
        self.members[into] += self.members.pop(gone)
        self.siblings.merge(into, gone)
        self.free.append(gone)
        self._join(into, gone, len(self.members[into]))

    def _recount_members(self, part: int) -> None:
        numbers = self.members[part]
        self._recount(part, self.vectors.values[numbers], self.said.values[numbers])
