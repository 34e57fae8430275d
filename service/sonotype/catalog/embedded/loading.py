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
    carriers = np.repeat(np.asarray(slots, np.uint32), counts)
    order = np.argsort(terms, kind="stable")
    terms, carriers = terms[order], carriers[order]
    names, starts = np.unique(terms, return_index=True)
    for term, some in zip(names.tolist(), np.split(carriers, starts[1:]), strict=False):
        columns.load_carriers(term, some)
