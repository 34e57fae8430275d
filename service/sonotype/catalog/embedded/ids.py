"""The id of every slot, packed: a million ids of 20 characters in 28 MB, an id in a microsecond."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

_LENGTH_BITS = 16


class SlotIds:
    """Ids by slot. An id never changes; that of a deleted track keeps its few bytes until the next start."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._where: NDArray[np.uint64] = np.zeros(1024, np.uint64)  # offset and length in one number

    def put(self, slots: Sequence[int], ids: Iterable[str]) -> None:
        """Remember ids, one per slot."""
        if not len(slots):
            return
        self._grow(max(slots) + 1)
        for slot, id_ in zip(slots, ids, strict=True):
            text = id_.encode()
            self._where[slot] = len(self._text) << _LENGTH_BITS | len(text)
            self._text += text

    def get(self, slots: Iterable[int]) -> list[str]:
        """Ids of slots that were put."""
        where: list[int] = self._where[np.asarray(slots, np.int64)].tolist()
        spans = ((at >> _LENGTH_BITS, at & 0xFFFF) for at in where)
        return [self._text[start : start + length].decode() for start, length in spans]

    def _grow(self, size: int) -> None:
        if size > len(self._where):
            grown = np.zeros(max(size, 2 * len(self._where)), np.uint64)
            grown[: len(self._where)] = self._where
            self._where = grown
