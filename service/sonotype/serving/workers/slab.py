"""Shared memory of one worker: rows in, outputs out. A memfd has no name, so a killed process leaves nothing behind."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sonotype.core.types import Floats

_ALIGN = 4096
_FLOAT = 4


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes of a slab: `slots` times an input area followed by an output area (bytes)."""

    slots: int
    input_bytes: int
    output_bytes: int

    @property
    def slot_bytes(self) -> int:
        """Bytes from one slot to the next."""
        return _aligned(self.input_bytes) + _aligned(self.output_bytes)

    @property
    def total_bytes(self) -> int:
        """Bytes of the whole slab."""
        return self.slots * self.slot_bytes


class Slab:
    """A mapped memfd and the arrays in it.

    Args:
        fd: the memfd, at least `geometry.total_bytes` long; stays the caller's to close.
        geometry: the sizes, equal on both sides.
    """

    def __init__(self, fd: int, geometry: Geometry) -> None:
        self._geometry = geometry
        self._map = mmap.mmap(fd, geometry.total_bytes)

    def windows(self, slot: int, rows: int, samples: int) -> Floats:
        """The input area of a slot, shape [rows, samples]."""
        self._check(rows * samples * _FLOAT, self._geometry.input_bytes)
        flat = np.frombuffer(self._map, np.float32, rows * samples, slot * self._geometry.slot_bytes)
        return flat.reshape(rows, samples)

    def outputs(self, slot: int, rows: int, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Floats]:
        """The output area of a slot: one array of shape [rows, *shape] per name."""
        offset = slot * self._geometry.slot_bytes + _aligned(self._geometry.input_bytes)
        self._check(rows * row_floats(shapes) * _FLOAT, self._geometry.output_bytes)
        arrays: dict[str, Floats] = {}
        for name, shape in shapes.items():
            size = rows * int(np.prod(shape))
            arrays[name] = np.frombuffer(self._map, np.float32, size, offset).reshape(rows, *shape)
            offset += size * _FLOAT
        return arrays

    @staticmethod
    def _check(needed: int, available: int) -> None:
        if needed > available:
            raise ValueError(f"a batch of {needed} bytes in a slab of {available}. This is a bug.")


def create_memfd(geometry: Geometry) -> int:
    """A new anonymous file of the slab's size; pages exist only once they are touched."""
    fd = os.memfd_create("sonotype-slab", os.MFD_CLOEXEC)
    os.ftruncate(fd, max(geometry.total_bytes, _ALIGN))
    return fd


def row_floats(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Numbers in one row of all outputs."""
    return sum(int(np.prod(shape)) for shape in shapes.values())


def _aligned(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN
