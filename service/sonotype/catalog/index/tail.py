"""The newest vectors: compared one by one until they have their place in the graph."""

from __future__ import annotations

import numpy as np

from sonotype.catalog.index.values import Integers
from sonotype.core.types import Floats

_LEAST = 1_024


class Tail:
    """Vectors of the positions from `start` on.

    One thread appends while others read what was there before; `drop` needs readers and appenders kept away.
    """

    def __init__(self, dim: int, start: int = 0, vectors: Floats | None = None) -> None:
        self.start = start
        self._dim = dim
        self._count = 0
        self._held = np.empty((0, dim), np.float32)
        if vectors is not None:
            self._held, self._count = vectors, len(vectors)

    def __len__(self) -> int:
        return self._count

    @property
    def size_bytes(self) -> int:
        """In memory."""
        return self._held.nbytes

    def append(self, vector: Floats) -> None:
        """Hold one more vector [D]."""
        if self._count == len(self._held):
            longer = np.empty((max(_LEAST, 2 * self._count), self._dim), np.float32)
            longer[: self._count] = self._held
            self._held = longer  # readers keep the old one, which nobody changes any more
        self._held[self._count] = vector
        self._count += 1

    def first(self, count: int) -> Floats:
        """The vectors of the first `count` positions, shape [count, D]; a view."""
        return self._held[:count]

    def vectors(self, positions: Integers) -> Floats:
        """A copy of the vectors at positions [n], shape [n, D]."""
        return np.asarray(self._held[positions - self.start])

    def drop(self, count: int) -> None:
        """Forget the first `count`; their memory goes with the next growth."""
        self.start, self._count, self._held = self.start + count, self._count - count, self._held[count:]
