"""Which track is where: columns by position, and the instants that searches see.

Positions are only ever appended. A removed one is dead from a version on; a search sees the version of its beginning,
so that the replacement of a track happens to it entirely or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sonotype.catalog.index.values import Booleans, Integers
from sonotype.core.types import Floats

Kind = TypeVar("Kind", bound=np.generic)

_ALIVE = np.iinfo(np.int64).max
_LEAST = 1_024


@dataclass(frozen=True, slots=True)
class Instant:
    """What was there at one version; the arrays may be longer than `total` and grow beyond it."""

    version: int
    total: int
    live: int
    slots: Integers
    died: Integers

    def alive(self, positions: Integers | slice) -> Booleans:
        """Which of the positions [n] were alive."""
        return np.asarray(self.died[positions] > self.version)


class Positions:
    """The columns. Changes come from one thread at a time; `now` may be read by any.

    Attributes:
        now: the latest instant; replaced as a whole, last of all that a change does.
        rows: of the truth, ascending, shape [capacity].
        slots: shape [capacity].
        mean: of the cosines to the sample, shape [capacity].
        std: of the same, shape [capacity].
        place: position by slot, -1 for none, shape [capacity].
    """

    def __init__(self) -> None:
        self.rows = np.empty(_LEAST, np.int64)
        self.slots = np.empty(_LEAST, np.int64)
        self.mean = np.zeros(_LEAST, np.float32)
        self.std = np.zeros(_LEAST, np.float32)
        self.place = np.full(_LEAST, -1, np.int64)
        self._died = np.full(_LEAST, _ALIVE, np.int64)
        self.now = Instant(0, 0, 0, self.slots, self._died)

    @classmethod
    def of(cls, rows: Integers, slots: Integers, alive: Booleans, mean: Floats, std: Floats) -> Positions:
        """Columns with this content, all of shape [n]."""
        self, total = cls(), len(rows)
        self._reserve(total)
        self.rows[:total], self.slots[:total] = rows, slots
        self.mean[:total], self.std[:total] = mean, std
        self._died[:total] = np.where(alive, _ALIVE, 0)
        living = np.flatnonzero(alive)
        if len(living):
            self._reserve_slot(int(slots[living].max()))
            self.place[slots[living]] = living
        self._publish(0, total, len(living))
        return self

    @property
    def size_bytes(self) -> int:
        """Of all columns in memory."""
        return sum(c.nbytes for c in (self.rows, self.slots, self.mean, self.std, self.place, self._died))

    @property
    def last_row(self) -> int:
        """The greatest row; -1 if there is none."""
        return int(self.rows[self.now.total - 1]) if self.now.total else -1

    def find(self, row: int) -> int | None:
        """Position of a row, dead or alive."""
        position = int(np.searchsorted(self.rows[: self.now.total], row))
        return position if position < self.now.total and self.rows[position] == row else None

    def places(self, slots: Integers) -> Integers:
        """Position of each slot [n], -1 for those that hold nothing."""
        place = self.place
        found = place.take(slots, mode="clip")
        return np.where((slots >= 0) & (slots < len(place)), found, -1)

    def among(self, now: Instant, allowed: Booleans, stop: int) -> Integers | None:
        """Positions below `stop` that were alive at an instant in slots that are allowed, shape [n].

        It costs as much as there are allowed ones, not as there are positions.

        Returns:
            None where one of the slots was filled anew since: the position that it had then is not known here.
        """
        place = self.place
        places = place[np.flatnonzero(allowed[: len(place)])]
        if np.any(places >= now.total):
            return None
        places = places[(places >= 0) & (places < stop)]
        return places[now.alive(places)]

    def append(self, row: int, slot: int, mean: float, std: float) -> None:
        """A new position; what the slot held before dies in the same instant."""
        now, position = self.now, self.now.total
        self._reserve(position + 1)
        self._reserve_slot(slot)
        self.rows[position], self.slots[position] = row, slot
        self.mean[position], self.std[position] = mean, std
        former, version = int(self.place[slot]), now.version + 1
        if former >= 0:
            self._died[former] = version
        self.place[slot] = position
        self._publish(version, position + 1, now.live + (former < 0))

    def remove(self, row: int) -> bool:
        """Let a row die; False if it was unknown or dead."""
        position, now = self.find(row), self.now
        if position is None or self._died[position] <= now.version:
            return False
        self._died[position] = now.version + 1
        self.place[self.slots[position]] = -1
        self._publish(now.version + 1, now.total, now.live - 1)
        return True

    def kept(self, positions: Integers) -> Positions:
        """New columns of some of the positions, in that order."""
        alive = self.now.alive(positions)
        return Positions.of(
            self.rows[positions], self.slots[positions], alive, self.mean[positions], self.std[positions]
        )

    def _publish(self, version: int, total: int, live: int) -> None:
        self.now = Instant(version, total, live, self.slots, self._died)

    def _reserve(self, total: int) -> None:
        if total <= len(self.rows):
            return
        capacity = max(total, 2 * len(self.rows))
        self.rows, self.slots = _grown(self.rows, capacity, 0), _grown(self.slots, capacity, 0)
        self.mean, self.std = _grown(self.mean, capacity, 0), _grown(self.std, capacity, 0)
        self._died = _grown(self._died, capacity, _ALIVE)

    def _reserve_slot(self, slot: int) -> None:
        if slot >= len(self.place):
            self.place = _grown(self.place, max(slot + 1, 2 * len(self.place)), -1)


def _grown(column: NDArray[Kind], capacity: int, fill: int) -> NDArray[Kind]:
    longer = np.full(capacity, fill, column.dtype)
    longer[: len(column)] = column
    return longer
