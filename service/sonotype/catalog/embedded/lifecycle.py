"""How generations begin, become current and end; all of it on the writer's thread."""

from __future__ import annotations

import functools
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from pyroaring import BitMap

from sonotype.catalog.embedded.generations import GenerationRow, Generations, OpenGeneration
from sonotype.catalog.embedded.schema import create_vectors
from sonotype.catalog.embedded.writer import Transaction
from sonotype.core.errors import Code, SonotypeError

_SELECT = "SELECT number, name, embedding, model_sha256, dim, folder FROM generations"
Opener = Callable[[GenerationRow], OpenGeneration]


def rows(db: sqlite3.Connection) -> list[GenerationRow]:
    """All generations, oldest first."""
    return [GenerationRow(*row) for row in db.execute(f"{_SELECT} ORDER BY number")]


def alias(db: sqlite3.Connection) -> str | None:
    """Name of the current generation."""
    found = db.execute("SELECT name FROM alias JOIN generations USING (number)").fetchone()
    return None if found is None else str(found[0])


def slots_of(db: sqlite3.Connection, row: GenerationRow) -> BitMap:
    """Slots that have a vector in a generation."""
    found = db.execute(f"SELECT slot FROM {row.table} ORDER BY slot")  # noqa: S608 - named by our number
    return BitMap(np.fromiter((slot for (slot,) in found), np.uint32))


def register(steps: Transaction, generations: Generations, one: OpenGeneration) -> None:
    """Take in a generation whose index is open. On this thread, because no vector may come or go meanwhile."""
    one.slots |= slots_of(steps.db, one.row)
    steps.then.append(lambda: generations.add(one))


def begin(steps: Transaction, generations: Generations, row: GenerationRow, opener: Opener) -> None:
    """Make a generation unless there is one of that name; the first of all becomes the current one.

    Args:
        steps: the transaction.
        generations: those that are open.
        row: as wanted; number and folder are chosen here.
        opener: opens its index.

    Raises:
        SonotypeError: `conflict` where the one of that name has vectors of another length.
    """
    for known in generations.all():
        if known.row.name == row.name:
            if known.row.dim != row.dim:
                raise SonotypeError(Code.CONFLICT, f"The generation has vectors of {known.row.dim} values.")
            return
    db, folder = steps.db, secrets.token_hex(8)  # unlike the number it is not used again after a restored backup
    values = (row.name, row.embedding, row.model_sha256, row.dim, folder)
    query = "INSERT INTO generations (name, embedding, model_sha256, dim, folder) VALUES (?, ?, ?, ?, ?)"
    number = int(db.execute(query, values).lastrowid or 0)
    create_vectors(db, number)
    made = replace(row, number=number, folder=folder)
    steps.then.append(lambda: generations.add(opener(made)))  # now its source can see the table
    if generations.alias is None:
        _point(steps, generations, made)


def promote(steps: Transaction, generations: Generations, name: str) -> OpenGeneration:
    """Let the alias point to a generation. Raises `not_found`, `conflict`."""
    one = generations.find(name)
    if one.index.degraded is not None:
        raise SonotypeError(Code.CONFLICT, f"The generation is not ready yet: {one.index.degraded}.")
    _point(steps, generations, one.row)
    return one


def end(steps: Transaction, generations: Generations, name: str) -> OpenGeneration:
    """Delete a generation with its vectors; its index is the caller's to close. Raises `not_found`, `conflict`."""
    one = generations.find(name)
    if name == generations.alias:
        raise SonotypeError(Code.CONFLICT, "The current generation cannot be deleted: promote another one first.")
    steps.db.execute(f"DROP TABLE {one.row.table}")
    steps.db.execute("DELETE FROM damaged_vectors WHERE number = ?", (one.row.number,))
    steps.db.execute("DELETE FROM generations WHERE number = ?", (one.row.number,))
    generations.discard(name)  # at once: what else this transaction does must not look for the table
    steps.undo.append(lambda: generations.add(one))
    return one


def set_aside(steps: Transaction, generations: Generations, row: GenerationRow, damaged: Sequence[int]) -> None:
    """Move damaged vectors out of the way, so that their tracks count as stale and are embedded again."""
    for number in damaged:
        moved = f"SELECT ?, row, slot, crc, vector FROM {row.table} WHERE row = ?"  # noqa: S608 - named by our number
        steps.db.execute(f"INSERT OR IGNORE INTO damaged_vectors {moved}", (row.number, number))
        gone = f"DELETE FROM {row.table} WHERE row = ? RETURNING slot"  # noqa: S608 - named by our number
        for (slot,) in steps.db.execute(gone, (number,)).fetchall():
            steps.then.append(functools.partial(_forget, generations, row.name, slot, number))


def _forget(generations: Generations, name: str, slot: int, row: int) -> None:
    for one in generations.all():
        if one.row.name == name:
            one.drop(slot)
            one.index.remove(row)


def _point(steps: Transaction, generations: Generations, row: GenerationRow) -> None:
    steps.db.execute("INSERT OR REPLACE INTO alias VALUES (0, ?)", (row.number,))
    steps.then.append(lambda: setattr(generations, "alias", row.name))
