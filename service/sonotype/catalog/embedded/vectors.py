"""Vectors as SQLite keeps them: little-endian 32-bit floats of unit length, with a CRC per row."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from sonotype.catalog.embedded.failures import translated
from sonotype.catalog.embedded.schema import connect_reader, vectors_table
from sonotype.core.types import Floats

Int64s = NDArray[np.int64]
Block = tuple[Int64s, Int64s, Floats]
_LITTLE = np.dtype("<f4")
_BLOCK_ROWS = 4096


def encode(vector: Floats) -> bytes:
    """A vector as it is stored."""
    return vector.astype(_LITTLE).tobytes()


def decode(blob: bytes) -> Floats:
    """The reverse of `encode`."""
    return np.frombuffer(blob, _LITTLE).astype(np.float32)


def checksum(blob: bytes) -> int:
    """CRC-32C of a stored vector."""
    value: int = google_crc32c.value(blob)
    return value


class StoredVectors:
    """The vectors of one generation, as the index reads them: from any thread, on a connection of its own.

    Args:
        path: the database.
        number: of the generation.
        dim: length of its vectors.
        damaged: called with rows whose CRC is wrong; they are left out of every block.
    """

    def __init__(self, path: Path, number: int, dim: int, damaged: Callable[[Sequence[int]], None]) -> None:
        self._path = path
        self._table = vectors_table(number)
        self._dim = dim
        self._damaged = damaged

    def rows(self) -> Int64s:
        """All live rows, ascending. Raises `unavailable` where the database is damaged."""
        # The index over slots holds the rows as well, and is a tenth of the table.
        query = f"SELECT row FROM {self._table} INDEXED BY sqlite_autoindex_{self._table}_1"  # noqa: S608 - our number
        with translated(), closing(connect_reader(self._path)) as db:
            return np.sort(np.fromiter((row for (row,) in db.execute(query)), np.int64))

    def after(self, row: int) -> Iterator[Block]:
        """Live rows above one, ascending: rows [b], slots [b] and vectors [b, D]. No block holds a read open."""
        with translated(), closing(connect_reader(self._path)) as db:
            while block := self._read(db, row):
                row = block[-1][0]
                yield self._checked(block)

    def _read(self, db: sqlite3.Connection, row: int) -> list[tuple[int, int, int, bytes]]:
        query = f"SELECT row, slot, crc, vector FROM {self._table} WHERE row > ? ORDER BY row LIMIT ?"  # noqa: S608
        return db.execute(query, (row, _BLOCK_ROWS)).fetchall()

    def _checked(self, block: list[tuple[int, int, int, bytes]]) -> Block:
        good = [one for one in block if len(one[3]) == 4 * self._dim and checksum(one[3]) == one[2]]
        if len(good) < len(block):
            self._damaged(sorted({one[0] for one in block} - {one[0] for one in good}))
        vectors = np.frombuffer(b"".join(one[3] for one in good), _LITTLE).reshape(len(good), self._dim)
        rows = np.fromiter((one[0] for one in good), np.int64, len(good))
        slots = np.fromiter((one[1] for one in good), np.int64, len(good))
        return rows, slots, vectors.astype(np.float32, copy=False)
