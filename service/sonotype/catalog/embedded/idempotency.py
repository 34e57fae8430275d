"""Idempotency keys, kept for a day in the same transactions as the tracks that they stored."""

from __future__ import annotations

import sqlite3

from sonotype.catalog.port import Idempotency
from sonotype.core.errors import Code, SonotypeError

KEPT_S = 24 * 3600.0
_FORGOTTEN_AT_ONCE = 64  # so that no single request pays for yesterday's bulk


def answer_of(db: sqlite3.Connection, promise: Idempotency, now: float) -> bytes | None:
    """The answer that was given under a key, None where it is new.

    Raises:
        SonotypeError: `idempotency_mismatch` for another request; `not_found` where the track has been deleted since.
    """
    query = "SELECT request, answer FROM idempotency WHERE client = ? AND key = ? AND at > ?"
    found = db.execute(query, (promise.client, promise.key, now - KEPT_S)).fetchone()
    if found is None:
        return None
    request, answer = found
    if request != promise.request_sha256:
        raise SonotypeError(Code.IDEMPOTENCY_MISMATCH, "The Idempotency-Key was used for another request before.")
    if answer is None:
        raise SonotypeError(Code.NOT_FOUND, "The track that this request stored has been deleted since.")
    return bytes(answer)


def remember(db: sqlite3.Connection, promise: Idempotency, slot: int, answer: bytes, now: float) -> None:
    """Keep an answer, and forget some that are older than a day."""
    old = "SELECT client, key FROM idempotency WHERE at <= ? LIMIT ?"
    db.execute(f"DELETE FROM idempotency WHERE (client, key) IN ({old})", (now - KEPT_S, _FORGOTTEN_AT_ONCE))  # noqa: S608
    values = (promise.client, promise.key, promise.request_sha256, now, slot, answer)
    db.execute("INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?, ?)", values)
