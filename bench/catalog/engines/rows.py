"""The rows in SQLite, committed one by one or in bulk, and their metadata in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.catalog.engines.port import COLUMNS, Floats, Numbers, Where


class Rows:
    """The truth: SQLite with a write-ahead log, synced at each commit."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        fields = [
            "number INTEGER PRIMARY KEY",
            "vector BLOB NOT NULL",
            *(f"{name} INTEGER NOT NULL" for name in COLUMNS),
        ]
        self._db.execute(f"CREATE TABLE IF NOT EXISTS track({', '.join(fields)})")
        self._insert = f"INSERT INTO track VALUES(?, ?{', ?' * len(COLUMNS)})"

    def bulk(self, first: int, vectors: Floats, columns: Mapping[str, NDArray[np.int32]]) -> None:
        """Append many rows in one transaction."""
        values = [columns[name].tolist() for name in COLUMNS]
        blobs = (vector.tobytes() for vector in vectors)
        self._db.execute("BEGIN")
        self._db.executemany(self._insert, zip(range(first, first + len(vectors)), blobs, *values, strict=True))
        self._db.execute("COMMIT")

    def add(self, number: int, vector: Floats, columns: Mapping[str, int]) -> None:
        """Append one row; committed when this returns."""
        self._db.execute(self._insert, (number, vector.tobytes(), *(columns[name] for name in COLUMNS)))

    def since(self, number: int) -> tuple[Floats, dict[str, NDArray[np.int32]]]:
        """The rows from this number on."""
        found = self._db.execute("SELECT * FROM track WHERE number >= ? ORDER BY number", (number,)).fetchall()
        blobs = [np.frombuffer(row[1], np.float32) for row in found]
        vectors = np.stack(blobs) if blobs else np.empty((0, 0), np.float32)
        return vectors, {name: np.array([row[2 + k] for row in found], np.int32) for k, name in enumerate(COLUMNS)}

    def numbers(self) -> Numbers:
        """All numbers."""
        found = self._db.execute("SELECT number FROM track ORDER BY number")
        return np.fromiter((row[0] for row in found), np.int64)

    def close(self) -> None:
        """End in good order."""
        self._db.close()


class Columns:
    """Metadata by row number, growing in place; filters are one comparison over a column."""

    def __init__(self) -> None:
        self._values = {name: np.empty(1024, np.int32) for name in COLUMNS}
        self.count = 0

    def extend(self, columns: Mapping[str, NDArray[np.int32]]) -> None:
        """Append rows."""
        more = len(columns[COLUMNS[0]])
        for name, values in self._values.items():
            if self.count + more > len(values):
                self._values[name] = np.resize(values, int(1.25 * (self.count + more)))
            self._values[name][self.count : self.count + more] = columns[name]
        self.count += more

    def mask(self, where: Where) -> NDArray[np.bool_]:
        """Which rows a filter keeps."""
        return self._values[where.column][: self.count] == where.value

    def save(self, path: Path) -> None:
        """Write all columns."""
        np.savez(path, **{name: values[: self.count] for name, values in self._values.items()})

    def load(self, path: Path) -> None:
        """Read what `save` wrote."""
        with np.load(path) as archive:
            self.extend(archive)
