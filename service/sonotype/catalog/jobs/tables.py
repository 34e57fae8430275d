"""The file of jobs: its tables, and how it is opened.

A file of a job is keyed by its place: bytes that sort as the job goes. What a walk finds is first appended as it comes
(`found`), then sorted once and for all into `files`: so SQLite keeps the order of a million files on disk, nobody ever
holds them, and no page is written more than a few times.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import structlog

BUSY_S = 10.0
_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
log = structlog.get_logger(__name__)

# Triggers keep the counts, in the same transaction as the outcome they count.
_TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, path TEXT NOT NULL,
  collection TEXT NOT NULL, generation TEXT, client TEXT, state TEXT NOT NULL, total INTEGER,
  cancelling INTEGER NOT NULL DEFAULT 0, error TEXT, created REAL NOT NULL, started REAL, ended REAL);
CREATE INDEX IF NOT EXISTS jobs_state ON jobs (state, seq);
CREATE TABLE IF NOT EXISTS files (
  job INTEGER NOT NULL, place BLOB NOT NULL, path TEXT NOT NULL, state TEXT NOT NULL, begun INTEGER NOT NULL DEFAULT 0,
  entry TEXT NOT NULL, track TEXT, code TEXT, detail TEXT, PRIMARY KEY (job, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS found (
  job INTEGER NOT NULL, place BLOB NOT NULL, path TEXT NOT NULL, state TEXT NOT NULL, entry TEXT NOT NULL,
  code TEXT, detail TEXT);
CREATE INDEX IF NOT EXISTS files_state ON files (job, state, place);
CREATE TABLE IF NOT EXISTS counts (
  job INTEGER NOT NULL, state TEXT NOT NULL, files INTEGER NOT NULL, PRIMARY KEY (job, state)) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS file_in AFTER INSERT ON files BEGIN
  INSERT INTO counts VALUES (new.job, new.state, 1) ON CONFLICT (job, state) DO UPDATE SET files = files + 1; END;
CREATE TRIGGER IF NOT EXISTS file_moved AFTER UPDATE OF state ON files BEGIN
  UPDATE counts SET files = files - 1 WHERE job = old.job AND state = old.state;
  INSERT INTO counts VALUES (new.job, new.state, 1) ON CONFLICT (job, state) DO UPDATE SET files = files + 1; END;
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, making it and its tables if they are not there; a broken one is set aside, for tracks live on.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _open(path)
    except sqlite3.DatabaseError as error:
        if int(getattr(error, "sqlite_errorcode", 0)) & 0xFF not in _BROKEN:
            raise
        log.warning("the file of jobs is damaged; beginning a new one beside it")
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{path}{suffix}", f"{path}.damaged{suffix}")
        return _open(path)


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # A commit survives the death of the process at once, and that of the machine with the next checkpoint;
        # `durably` is for what has been promised to somebody.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -16384")
        db.execute("PRAGMA journal_size_limit = 16777216")
        db.executescript(_TABLES)
    except sqlite3.Error:
        db.close()
        raise
    return db


class Transaction:
    """`with Transaction(db):` commits as a whole, or not at all.

    Args:
        db: in autocommit mode.
        durably: it survives a loss of power.
    """

    def __init__(self, db: sqlite3.Connection, *, durably: bool = False) -> None:
        self._db = db
        self._durably = durably

    def __enter__(self) -> None:
        if self._durably:
            self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self._db.execute("COMMIT" if kind is None else "ROLLBACK")
        except sqlite3.Error:
            if self._db.in_transaction:  # a commit on a full disk leaves it open
                self._db.execute("ROLLBACK")
            raise
        finally:
            if self._durably:
                self._db.execute("PRAGMA synchronous = NORMAL")
