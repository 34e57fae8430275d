"""Facts of all tracks as arrays over slots, so that a filter over a million tracks takes about a millisecond.

68 bytes of keys and numbers, one of life and some 28 of id per track; a bitmap per term (roaring bitmaps, Chambi et
al. 2016) says which slots carry it. SQLite holds the same facts and is the truth; these follow every commit.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from sonotype.catalog.embedded.facts import FACTS, KEYS, Facts, Key, Number, Term, unpack_terms
from sonotype.catalog.embedded.ids import SlotIds
from sonotype.catalog.port import Keys

Slots = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """What ranking needs of some tracks, as in `port.Candidates`; `alive` says which of the slots asked are there."""

    alive: Mask
    ids: tuple[str, ...]
    artist: Keys
    album: Keys
    recording: Keys


class Columns:
    """The arrays. Thread-safe; readers see each track either before a change or after it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.size = 1
        self.tracks = 0
        self._alive: Mask = np.zeros(1024, bool)
        self._keys: NDArray[np.uint64] = np.zeros((KEYS, 1024), np.uint64)
        self._numbers: NDArray[np.float32] = np.zeros((len(Number), 1024), np.float32)
        self._ids = SlotIds()
        self._terms: dict[Term, int] = {}
        self._carriers: dict[int, BitMap] = {}

    def load(self, slots: Sequence[int], ids: Iterable[str], packed: bytes) -> None:
        """Add tracks without their terms, all at once: `packed` is one item of `FACTS` for each slot."""
        facts = np.frombuffer(packed, FACTS)
        with self.lock:
            self._grow(max(slots, default=0) + 1)
            at = np.asarray(slots, np.int64)
            self._keys[:, at] = facts["keys"].T
            self._numbers[:, at] = facts["numbers"].T
            self._alive[at] = True
            self._ids.put(slots, ids)
            self.tracks += len(slots)

    def load_carriers(self, term: int, slots: NDArray[np.uint32]) -> None:
        """Add slots, ascending, that carry a term."""
        with self.lock:
            # Of arrays as the standard library has them, a bitmap is made five times as fast.
            self._carriers[term] = self._carriers.get(term, BitMap()) | BitMap(array("I", slots.tobytes()))

    def learn(self, terms: Mapping[Term, int]) -> None:
        """Remember the numbers of terms."""
        with self.lock:
            self._terms.update(terms)

    def replace(self, old: Facts | None, new: Facts) -> None:
        """A track was stored, in the place of `old` where it stood there before."""
        with self.lock:
            if old is not None:
                self._drop_terms(old)
            else:
                self._grow(new.slot + 1)
                self._ids.put([new.slot], [new.id])
                self._alive[new.slot] = True
                self.tracks += 1
            facts = np.frombuffer(new.packed, FACTS)[0]
            self._keys[:, new.slot] = facts["keys"]
            self._numbers[:, new.slot] = facts["numbers"]
            for term in unpack_terms(new.terms):
                self._carriers.setdefault(term, BitMap()).add(new.slot)

    def remove(self, old: Facts) -> None:
        """A track was deleted."""
        with self.lock:
            self._drop_terms(old)
            self._alive[old.slot] = False
            self.tracks -= 1

    def rows(self, slots: Slots) -> Rows:
        """What is known of tracks; those that were deleted meanwhile are only marked."""
        with self.lock:
            alive = self._alive[slots]
            there = slots[alive]
            keys = self._keys[:, there]
            ids = tuple(self._ids.get(there))
        return Rows(alive, ids, keys[Key.ARTIST], keys[Key.ALBUM], np.ascontiguousarray(keys[Key.RECORDING :].T))

    def alive(self) -> Mask:
        """Which slots hold a track, a copy of shape [size]."""
        with self.lock:
            return self._alive[: self.size].copy()

    def keys(self, key: Key) -> Keys:
        """A column of keys [size]; hold `lock` while using it."""
        return self._keys[key, : self.size]

    def numbers(self, number: Number) -> NDArray[np.float32]:
        """A column of numbers [size]; hold `lock` while using it."""
        return self._numbers[number, : self.size]

    def carriers(self, term: Term) -> BitMap:
        """Slots that carry a term; hold `lock` while using it, and do not change it."""
        number = self._terms.get(term)
        return BitMap() if number is None else self._carriers.get(number, BitMap())

    def _drop_terms(self, old: Facts) -> None:
        for term in unpack_terms(old.terms):
            self._carriers[term].discard(old.slot)

    def _grow(self, size: int) -> None:
        self.size = max(self.size, size)
        capacity = len(self._alive)
        if size > capacity:
            more = max(size, 2 * capacity) - capacity
            self._alive = np.pad(self._alive, (0, more))
            self._keys = np.pad(self._keys, ((0, 0), (0, more)))
            self._numbers = np.pad(self._numbers, ((0, 0), (0, more)))
