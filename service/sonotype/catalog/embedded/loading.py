"""The columns are filled from the database when the catalogue is opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np

from sonotype.catalog.embedded.columns import Columns
from sonotype.catalog.embedded.facts import TERMS

_BLOCK_ROWS = 65_536


def load(db: sqlite3.Connection) -> Columns:
    """The columns of all tracks. Raises `sqlite3.Error`."""
    columns = Columns()
    columns.learn({(kind, name): term for term, kind, name in db.execute("SELECT term, kind, name FROM terms")})
    found = db.execute("SELECT slot, id, facts, terms FROM tracks ORDER BY slot")
    while block := found.fetchmany(_BLOCK_ROWS):
        slots, ids, facts, terms = zip(*block, strict=True)
        columns.load(slots, ids, b"".join(facts))
        _load_carriers(columns, slots, terms)
    return columns


def _load_carriers(columns: Columns, slots: Sequence[int], packed: Sequence[bytes]) -> None:
    """Turn terms by slot into slots by term."""
    terms = np.frombuffer(b"".join(packed), TERMS)
    counts = np.fromiter((len(one) // TERMS.itemsize for one in packed), np.int64, len(packed))
    # Both in one number: one sort of plain numbers, which is what NumPy does fastest.
    pairs = np.sort(terms.astype(np.uint64) << np.uint64(32) | np.repeat(np.asarray(slots, np.uint64), counts))
    terms, carriers = (pairs >> np.uint64(32)).astype(TERMS), pairs.astype(np.uint32)
    starts = np.flatnonzero(np.diff(terms, prepend=np.uint32(0xFFFFFFFF)))
    for term, some in zip(terms[starts].tolist(), np.split(carriers, starts[1:]), strict=False):  # no terms, one part
        columns.load_carriers(term, some)
