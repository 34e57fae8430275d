"""Tracks in SQL: found, read, stored and deleted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sonotype.catalog.documents import Record
from sonotype.catalog.embedded.facts import Facts
from sonotype.catalog.embedded.schema import vectors_table
from sonotype.catalog.track import Draft
from sonotype.core.errors import Code, SonotypeError

T = TypeVar("T")
_MANY = 500  # values in one IN
_ROW = "SELECT slot, id, content, created, updated, facts, terms FROM tracks"


@dataclass(frozen=True, slots=True)
class Row:
    """A track's row, without its document."""

    slot: int
    id: str
    content: str | None
    created: int
    updated: int
    packed: bytes
    terms: bytes

    @property
    def facts(self) -> Facts:
        """What the columns know of it."""
        return Facts(self.slot, self.id, self.packed, self.terms)


def by_id(db: sqlite3.Connection, track_id: str) -> Row | None:
    """The track of an id."""
    return _one(db, "id = ?", track_id)


def by_name(db: sqlite3.Connection, collection: str, external_id: str) -> Row | None:
    """The track of a collection that has an external id."""
    return _one(db, "collection = ? AND external_id = ?", collection, external_id)


def find(db: sqlite3.Connection, draft: Draft) -> Row | None:
    """The track that a draft replaces, by the rule of `port.Catalog.put`.

    Raises:
        SonotypeError: `conflict` where its external id belongs to another track.
    """
    metadata = draft.metadata
    named = None
    if metadata.external_id is not None:
        named = by_name(db, metadata.collection, metadata.external_id)
    if draft.id is not None:
        if named is not None and named.id != draft.id:
            raise SonotypeError(Code.CONFLICT, f"The external id belongs to the track {named.id} of this collection.")
        return by_id(db, draft.id)
    if named is not None or metadata.external_id is not None or draft.content_sha256 is None:
        return named
    same = "content = ? AND collection = ? AND external_id IS NULL ORDER BY slot"
    return _one(db, same, draft.content_sha256, metadata.collection)


def store(db: sqlite3.Connection, old: Row | None, record: Record, rest: tuple[str, str | None, bytes, bytes]) -> Row:
    """Store a new track, or one in the place of an older state of it.

    Args:
        db: inside a transaction.
        old: what stands there.
        record: what shall stand there.
        rest: collection, external id, keys and numbers, terms.
    """
    if old is None:
        columns = "collection, external_id, facts, terms, content, updated, id, created"
        query = f"INSERT INTO tracks ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - just above
        key: tuple[int | str, ...] = (record.id, record.created)
    else:
        query = (
            "UPDATE tracks SET collection = ?, external_id = ?, facts = ?, terms = ?, content = ?, updated = ?"
            " WHERE slot = ?"
        )
        key = (old.slot,)
    cursor = db.execute(query, (*rest, record.content, record.updated, *key))
    slot = int(cursor.lastrowid or 0) if old is None else old.slot
    db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", (slot, record.body))
    return Row(slot, record.id, record.content, record.created, record.updated, *rest[2:])


def delete(db: sqlite3.Connection, slot: int) -> None:
    """Delete a track, but for its vectors; the answers that were kept for replays go too, the keys stay."""
    db.execute("DELETE FROM tracks WHERE slot = ?", (slot,))
    db.execute("DELETE FROM documents WHERE slot = ?", (slot,))
    db.execute("DELETE FROM damaged_vectors WHERE slot = ?", (slot,))
    db.execute("UPDATE idempotency SET answer = NULL WHERE slot = ?", (slot,))


def slots_of(db: sqlite3.Connection, track_ids: Sequence[str]) -> dict[str, int]:
    """Slots of those ids that are known."""
    found: dict[str, int] = {}
    for ids in _parts(list(dict.fromkeys(track_ids))):
        found |= db.execute(f"SELECT id, slot FROM tracks WHERE id IN ({_marks(ids)})", ids).fetchall()  # noqa: S608
    return found


def slots_after(db: sqlite3.Connection, slot: int, limit: int) -> list[int]:
    """The next slots that hold a track."""
    query = "SELECT slot FROM tracks WHERE slot > ? ORDER BY slot LIMIT ?"
    return [found for (found,) in db.execute(query, (slot, limit))]


def records(db: sqlite3.Connection, slots: Sequence[int]) -> dict[int, Record]:
    """Records by slot, in the order asked; slots that are empty are left out."""
    db.execute("BEGIN")  # one state of the database for all that follows
    try:
        found: dict[int, Record] = {}
        for part in _parts(slots):
            found |= _records(db, part)
    finally:
        db.execute("ROLLBACK")
    return {slot: found[slot] for slot in slots if slot in found}


def _records(db: sqlite3.Connection, slots: Sequence[int]) -> Iterator[tuple[int, Record]]:
    names: dict[int, list[str]] = {slot: [] for slot in slots}
    for number, name in db.execute("SELECT number, name FROM generations ORDER BY number").fetchall():
        held = f"SELECT slot FROM {vectors_table(number)} WHERE slot IN ({_marks(slots)})"  # noqa: S608 - our number
        for (slot,) in db.execute(held, slots):
            names[slot].append(name)
    query = (
        "SELECT slot, id, content, created, updated, body FROM tracks JOIN documents USING (slot)"  # noqa: S608 - marks
        f" WHERE slot IN ({_marks(slots)})"
    )
    for slot, id_, content, created, updated, body in db.execute(query, slots):
        yield slot, Record(id_, content, created, updated, tuple(names[slot]), body)


def _one(db: sqlite3.Connection, condition: str, *values: str) -> Row | None:
    found = db.execute(f"{_ROW} WHERE {condition} LIMIT 1", values).fetchone()
    return None if found is None else Row(*found)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[start : start + _MANY] for start in range(0, len(values), _MANY))
