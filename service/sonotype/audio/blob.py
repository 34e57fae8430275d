"""The bytes of one upload inside the decode child: received once, read by decoders, repaired in place."""

from __future__ import annotations

import io
from functools import cached_property
from typing import BinaryIO

from sonotype.audio.mpeg import Walk, walk


class Blob:
    """A fixed number of bytes with a writable view and readers that share the memory.

    Args:
        size: bytes to hold.
    """

    def __init__(self, size: int) -> None:
        self._file = io.BytesIO()
        if size:
            self._file.seek(size - 1)
            self._file.write(b"\0")
        self.view = self._file.getbuffer()

    @classmethod
    def of(cls, data: bytes) -> Blob:
        """Copy `data`."""
        blob = cls(len(data))
        blob.view[:] = data
        return blob

    @cached_property
    def mpeg(self) -> Walk:
        """The MPEG frames in it: counted once, asked for by the choice of a back-end and by the check of the end."""
        return walk(self.view)

    def reader(self) -> BinaryIO:
        """The whole content from its start, without a copy. One reader at a time."""
        self._file.seek(0)
        return self._file

    def part(self, start: int, end: int) -> Blob:
        """A copy of the bytes [start, end)."""
        blob = Blob(end - start)
        blob.view[:] = self.view[start:end]
        return blob
