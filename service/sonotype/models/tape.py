"""A stretch of a sample stream that can be cut beyond its ends."""

from __future__ import annotations

from collections import deque
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sonotype.core.types import Floats


class Tape:
    """Samples by their place in the clip, with the oldest ones forgotten on request.

    Args:
        padding: what lies outside the clip: `zero`, or its mirror image about the first and last sample
            (`reflect`, as in numpy: the edge is not doubled, and a very short clip is mirrored again and again).
    """

    def __init__(self, padding: Literal["reflect", "zero"]) -> None:
        self._padding = padding
        self._chunks: deque[Floats] = deque()
        self._first = 0
        self.length = 0

    def append(self, samples: Floats) -> None:
        """Copy samples to the end."""
        if samples.ndim != 1:
            raise ValueError("samples must be mono")
        if samples.size:
            self._chunks.append(np.array(samples, dtype=np.float32))
            self.length += samples.size

    def forget(self, before: int) -> None:
        """Drop the samples before place `before`."""
        while self._chunks and self._first < before:
            chunk = self._chunks.popleft()
            gone = min(chunk.size, before - self._first)
            self._first += gone
            if gone < chunk.size:
                self._chunks.appendleft(chunk[gone:])

    @property
    def held(self) -> int:
        """Samples in memory."""
        return self.length - self._first

    def cut(self, start: int, stop: int) -> Floats:
        """Copy the samples of [start, stop), which may reach before the first and after the last sample."""
        held = self._joined()
        if start >= 0 and stop <= self.length:
            return held[start - self._first : stop - self._first]
        place = np.arange(start, stop)
        if self._padding == "reflect":
            return np.asarray(held[self._mirrored(place) - self._first], dtype=np.float32)
        inside = (place >= 0) & (place < self.length)
        samples = held[np.where(inside, place, self._first) - self._first]
        return np.where(inside, samples, np.float32(0.0))

    def _mirrored(self, place: NDArray[np.int64]) -> NDArray[np.int64]:
        """Fold any place into the clip: a triangle wave with its peaks on the first and last sample."""
        last = self.length - 1
        if last == 0:
            return np.zeros_like(place)
        return last - np.abs(place % (2 * last) - last)

    def _joined(self) -> Floats:
        if len(self._chunks) > 1:
            self._chunks = deque([np.concatenate(list(self._chunks))])
        return self._chunks[0]
