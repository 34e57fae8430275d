"""The tables of the catalogue's database, their versions, and connections to it.

A track is one narrow row with all that is loaded into memory when the catalogue is opened, and one document with the
rest. Every generation has a table of vectors of its own, named by a number that is never used again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import structlog

from sonotype.core.errors import Code, SonotypeError

APPLICATION_ID = 0x534E5459  # "SNTY": says whose file this is
_PAGE_BYTES = 8192  # nine vectors of 200 dimensions; 4096 would waste a fifth of every page
_BUSY_S = 5.0
log = structlog.get_logger(__name__)

# AUTOINCREMENT: what was deleted never comes back under another track's number.
_FIRST = (
    """CREATE TABLE tracks (
      slot INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, collection TEXT NOT NULL, external_id TEXT,
      content TEXT, created INTEGER NOT NULL, updated INTEGER NOT NULL, facts BLOB NOT NULL, terms BLOB NOT NULL)""",
    "CREATE UNIQUE INDEX tracks_external ON tracks (collection, external_id) WHERE external_id IS NOT NULL",
    """CREATE INDEX tracks_content ON tracks (content, collection)
      WHERE external_id IS NULL AND content IS NOT NULL""",
    "CREATE TABLE documents (slot INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    """CREATE TABLE terms (
      term INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE (kind, name))""",
    """CREATE TABLE generations (
      number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, embedding TEXT NOT NULL,
      model_sha256 TEXT NOT NULL, dim INTEGER NOT NULL, folder TEXT NOT NULL UNIQUE)""",
    "CREATE TABLE alias (id INTEGER PRIMARY KEY CHECK (id = 0), number INTEGER NOT NULL)",
    """CREATE TABLE damaged_vectors (
      number INTEGER NOT NULL, row INTEGER NOT NULL, slot INTEGER NOT NULL, crc INTEGER NOT NULL, vector BLOB NOT NULL,
      PRIMARY KEY (number, row))""",
    """CREATE TABLE idempotency (
      client TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, at REAL NOT NULL, slot INTEGER NOT NULL,
      answer BLOB, PRIMARY KEY (client, key)) WITHOUT ROWID""",
    "CREATE INDEX idempotency_at ON idempotency (at)",
    "CREATE INDEX idempotency_slot ON idempotency (slot)",
)
MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST,)
"""Statements that lead from version n to n + 1; `user_version` counts the ones that were applied."""


def vectors_table(number: int) -> str:
    """Name of the table with the vectors of a generation."""
    return f"vectors_{number:d}"


def create_vectors(db: sqlite3.Connection, number: int) -> None:
    """Make the table of a generation's vectors."""
    db.execute(
        f"CREATE TABLE {vectors_table(number)} (row INTEGER PRIMARY KEY AUTOINCREMENT, slot INTEGER NOT NULL UNIQUE,"
        " crc INTEGER NOT NULL, vector BLOB NOT NULL)"
    )


def connect_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes: what it has committed survives a loss of power.

    Raises:
        sqlite3.Error: the file cannot be opened, or is no database.
    """
    db = _connect(path)
    try:
        db.execute(f"PRAGMA page_size = {_PAGE_BYTES:d}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA wal_autocheckpoint = 0")  # the writer does it itself, when nobody waits
        db.execute("PRAGMA journal_size_limit = 1048576")  # its file shrinks when it is begun anew
        db.execute("PRAGMA cache_size = -65536")
    except sqlite3.Error:
        db.close()
        raise
    return db


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. Raises `sqlite3.Error`."""
    db = _connect(path)
    db.execute("PRAGMA query_only = ON")
    return db


def migrate(db: sqlite3.Connection, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Bring the tables up to date, one transaction per version.

    Raises:
        SonotypeError: `conflict` where a newer program has written the file, or something else than the catalogue has.
        sqlite3.Error: a statement failed; its version was not applied.
    """
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    owner = int(db.execute("PRAGMA application_id").fetchone()[0])
    tables = int(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if version > len(migrations):
        raise SonotypeError(
            Code.CONFLICT, "The catalogue was written by a newer version of Sonotype: upgrade this one."
        )
    if tables and owner != APPLICATION_ID:
        raise SonotypeError(Code.CONFLICT, "The file in the catalogue's place is another program's database.")
    for number in range(version, len(migrations)):
        log.info("migrating the catalogue", version=number + 1)
        _apply(db, number + 1, migrations[number])


def _apply(db: sqlite3.Connection, version: int, statements: Sequence[str]) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
        db.execute(f"PRAGMA user_version = {version:d}")
        db.execute("COMMIT")
    except sqlite3.Error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _connect(path: Path) -> sqlite3.Connection:
    # Autocommit, because transactions say BEGIN themselves. Each connection serves one thread, but another closes it.
    db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA cell_size_check = ON")
    except sqlite3.Error:
        db.close()
        raise
    return db
