"""One connection to the embedded cache file. Blocking; each object belongs to one thread at a time.

Several processes may use the same file: SQLite's WAL lets readers pass a writer, and every write is one short
transaction. A file that turns out to be no database, or a broken one, is moved aside and begun anew.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import structlog

from sonotype.serving.cache.sqlite_tables import UPSERT, connect, make_room, total_bytes

T = TypeVar("T")
_ROW_OVERHEAD_BYTES = 256
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
log = structlog.get_logger(__name__)


class CacheFile:
    """The operations of the cache on one SQLite file, opened when first needed.

    Args:
        path: the file; its folder is made when missing.
        max_bytes: size of keys and values together; the least recently used go first.
        owner: whose locks these are, unique per store.
        clock: seconds since the epoch, shared by the processes that share the file.
    """

    def __init__(self, path: Path, max_bytes: int, owner: str, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._owner = owner
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    def get(self, key: str) -> tuple[bytes, float] | None:
        """The value and its age of use in seconds, if it is there and alive."""
        now = self._clock()
        query = "SELECT value, used FROM entries WHERE key = ? AND expires > ?"
        row = self._do(lambda db: db.execute(query, (key, now)).fetchone())
        return None if row is None else (row[0], now - row[1])

    def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep the value, then make room; one larger than a quarter of the file is not kept."""
        size = len(key) + len(value) + _ROW_OVERHEAD_BYTES
        if size <= self._max_bytes // 4:
            self._do(lambda db: self._put(db, key, size, value, ttl_s))

    def touch(self, key: str) -> None:
        """Mark the entry as just used."""
        self._do(lambda db: db.execute("UPDATE entries SET used = ? WHERE key = ?", (self._clock(), key)))

    def try_lock(self, key: str, ttl_s: float) -> bool:
        """Take the lock if it is free or has expired."""
        now = self._clock()
        query = (
            "INSERT INTO locks VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE "
            "SET owner = excluded.owner, expires = excluded.expires WHERE expires <= ?"
        )
        return bool(self._do(lambda db: db.execute(query, (key, self._owner, now + ttl_s, now)).rowcount))

    def unlock(self, key: str) -> None:
        """Give the lock back if it is still ours."""
        query = "DELETE FROM locks WHERE key = ? AND owner = ?"
        self._do(lambda db: db.execute(query, (key, self._owner)))

    def size_bytes(self) -> int:
        """Keys, values and bookkeeping, as counted against the cap."""
        return self._do(total_bytes)

    def close(self) -> None:
        """Close the connection; the next operation would open it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._opened())
        except sqlite3.DatabaseError as error:
            if _primary_code(error) not in _CORRUPT:
                raise
            self._set_aside()
            return work(self._opened())

    def _opened(self) -> sqlite3.Connection:
        """The connection, renewed when another process moved the file away beneath it."""
        if self._connection is None or _inode(self._path) != self._inode:
            self.close()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = connect(self._path)
            self._inode = _inode(self._path)
        return self._connection

    def _set_aside(self) -> None:
        """Move the broken file away, unless somebody has already put a new one in its place."""
        opened, self._inode = self._inode, 0
        self.close()
        if opened not in (0, _inode(self._path)):
            return
        log.warning("the embedded cache is corrupt; starting a new one")
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        os.replace(self._path, self._path.with_name(self._path.name + ".corrupt"))

    def _put(self, db: sqlite3.Connection, key: str, size: int, value: bytes, ttl_s: float) -> None:
        now = self._clock()
        with db:
            db.execute("BEGIN IMMEDIATE")
            db.execute(UPSERT, (key, size, now + ttl_s, now, value))
            make_room(db, self._max_bytes, now)


def _primary_code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _inode(path: Path) -> int:
    """Identity of the file now at `path`; 0 for none."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0
