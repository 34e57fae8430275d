"""Openings of the embedded catalogue for tests."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from conformance import DIM, GEN

from sonotype.catalog.embedded.catalog import EmbeddedCatalog
from sonotype.catalog.port import EVERYTHING, Catalog, TrackFilter

BIG = 10_000


async def opened(folder: Path, **options: Any) -> EmbeddedCatalog:
    """The catalogue in a folder, with one generation; on a disk that is never full unless a test says so."""
    catalog = await EmbeddedCatalog.open(folder, **{"full_at": 0.95, "measure": lambda _: 0.5} | options)
    await catalog.add_generation("net@pool", GEN, "01" * 32, DIM)
    return catalog


async def ids_of(catalog: Catalog, where: TrackFilter = EVERYTHING) -> list[str]:
    """All ids, in the order of creation."""
    return [track.id for track in (await catalog.list(where, None, BIG)).tracks]


def rows(folder: Path, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """What SQL says, on a connection of its own; a statement that changes something is committed."""
    with closing(sqlite3.connect(folder / "catalog.sqlite")) as db, db:
        return db.execute(query, values).fetchall()
