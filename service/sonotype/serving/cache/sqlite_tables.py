"""The tables of the embedded cache, and what is done to them as a whole."""

from __future__ import annotations

import sqlite3
from pathlib import Path

BUSY_S = 0.2

# The value comes last, so that looking at an entry's other columns does not read its overflow pages. The triggers
# keep the sum of sizes, which every process then knows without scanning.
_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
  key TEXT PRIMARY KEY, size INTEGER NOT NULL, expires REAL NOT NULL, used REAL NOT NULL, value BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS entries_used ON entries (used, size);
CREATE INDEX IF NOT EXISTS entries_expires ON entries (expires);
CREATE TABLE IF NOT EXISTS locks (key TEXT PRIMARY KEY, owner TEXT NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS total (id INTEGER PRIMARY KEY CHECK (id = 0), bytes INTEGER NOT NULL);
INSERT OR IGNORE INTO total VALUES (0, 0);
CREATE TRIGGER IF NOT EXISTS entry_in AFTER INSERT ON entries
  BEGIN UPDATE total SET bytes = bytes + new.size; END;
CREATE TRIGGER IF NOT EXISTS entry_out AFTER DELETE ON entries
  BEGIN UPDATE total SET bytes = bytes - old.size; END;
CREATE TRIGGER IF NOT EXISTS entry_new AFTER UPDATE OF size ON entries
  BEGIN UPDATE total SET bytes = bytes + new.size - old.size; END;
"""
UPSERT = """
INSERT INTO entries (key, size, expires, used, value) VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
  size = excluded.size, expires = excluded.expires, used = excluded.used, value = excluded.value
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, making it and its tables if they are not there.

    Raises:
        sqlite3.Error: it cannot be opened, or what is there is no cache.
    """
    # Autocommit, because every write below is one statement or says BEGIN itself. A store hands each of its
    # connections to one thread, but closes them from another when the service ends.
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'entry_new'").fetchone():
            db.executescript(_TABLES)
        db.execute("SELECT bytes FROM total").fetchone()
    except sqlite3.Error:
        db.close()
        raise
    return db


def make_room(db: sqlite3.Connection, max_bytes: int, now: float) -> None:
    """Delete what has expired and then what was used longest ago, until the rest fits."""
    excess = total_bytes(db) - max_bytes
    if excess <= 0:
        return
    db.execute("DELETE FROM entries WHERE expires <= ?", (now,))
    excess = total_bytes(db) - max_bytes
    doomed = []
    for rowid, size in db.execute("SELECT rowid, size FROM entries ORDER BY used, rowid"):
        if excess <= 0:
            break
        doomed.append((rowid,))
        excess -= size
    db.executemany("DELETE FROM entries WHERE rowid = ?", doomed)


def total_bytes(db: sqlite3.Connection) -> int:
    """Size of all entries, as the triggers count it."""
    return int(db.execute("SELECT bytes FROM total").fetchone()[0])
