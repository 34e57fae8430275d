"""The embedded engine behind the port: the database is the truth, columns and indexes follow it."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sonotype.catalog.carriers import the_one_named
from sonotype.catalog.embedded import cursor as cursors
from sonotype.catalog.embedded import lifecycle, tracks
from sonotype.catalog.embedded.disk import DiskGuard, used_share
from sonotype.catalog.embedded.facts import Kind
from sonotype.catalog.embedded.generations import GenerationRow, OpenIndex
from sonotype.catalog.embedded.opening import Parts, bytes_in, open_parts
from sonotype.catalog.embedded.search import Query, Search
from sonotype.catalog.embedded.vectors import StoredVectors, encode
from sonotype.catalog.embedded.writes import Writes, prepare
from sonotype.catalog.port import (
    EVERYTHING,
    CatalogStatus,
    Found,
    Generation,
    Idempotency,
    Page,
    Stored,
    TrackFilter,
)
from sonotype.catalog.track import Draft, Track
from sonotype.catalog.vectors import unit
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats

if TYPE_CHECKING:
    from sonotype.catalog.index.index import GenerationIndex, IndexFacts

_STALE_PAGE = 64


class EmbeddedCatalog:
    """`port.Catalog` in this process. Use `open`.

    Args:
        parts: of the open catalogue.
        disk: says whether there is room.
        clock: seconds since the epoch.
    """

    def __init__(self, parts: Parts, disk: DiskGuard, clock: Callable[[], float]) -> None:
        self._parts = parts
        self._disk = disk
        self._generations, self._columns = parts.generations, parts.columns
        self._writer, self._readers = parts.writer, parts.readers
        self._writes = Writes(parts.columns, parts.generations, disk, clock)
        self._search = Search(parts.columns, parts.generations)

    @classmethod
    async def open(
        cls,
        folder: Path,
        *,
        full_at: float,
        open_index: OpenIndex | None = None,
        clock: Callable[[], float] = time.time,
        measure: Callable[[Path], float] = used_share,
    ) -> EmbeddedCatalog:
        """Open the catalogue in a folder, making it where there is none.

        Args:
            folder: for this catalogue alone; what else is in it is left alone.
            full_at: used share of the disk from which nothing more is stored, 0…1.
            open_index: opens the index of a generation; None means `index.GenerationIndex.open`.
            clock: seconds since the epoch.
            measure: used share of the disk.

        Raises:
            SonotypeError: `conflict` where another process has it open; `unavailable` where it is damaged.
        """
        parts = await asyncio.to_thread(open_parts, folder, open_index or _open_index)
        return cls(parts, DiskGuard(folder, full_at, measure), clock)

    async def put(
        self, draft: Draft, idempotency: Idempotency | None = None, *, seen: datetime | None = None
    ) -> Stored:
        """See the port; durable and found when this returns."""
        new = prepare(draft, self._generations, seen)
        outcome = await self._writer.run(lambda steps: self._writes.put(steps, new, idempotency))
        track = outcome.record.track() if outcome.replayed else outcome.record.track_of(draft)
        return Stored(track, outcome.created, outcome.replayed)

    async def get(self, track_id: str) -> Track:
        """See the port."""
        found = await self.get_many([track_id])
        if not found:
            raise SonotypeError(Code.NOT_FOUND, "The catalogue has no such track.")
        return found[0]

    async def find(self, collection: str, external_id: str) -> Track | None:
        """See the port."""

        def read(db: sqlite3.Connection) -> Track | None:
            row = tracks.by_name(db, collection, external_id)
            there = [] if row is None else _tracks(db, [row.slot])
            return there[0] if there else None  # it may have been deleted in between

        return await self._readers.run(read)

    async def get_many(self, track_ids: Sequence[str]) -> list[Track]:
        """See the port."""

        def read(db: sqlite3.Connection) -> list[Track]:
            slots = tracks.slots_of(db, track_ids)
            return _tracks(db, [slots[one] for one in track_ids if one in slots])

        return await self._readers.run(read)

    async def delete(self, track_id: str) -> None:
        """See the port; it is in no answer when this returns."""
        await self._writer.run(lambda steps: self._writes.delete(steps, track_id))

    async def list(self, where: TrackFilter, cursor: str | None, limit: int) -> Page:
        """See the port."""
        after = 0 if cursor is None else cursors.decode(cursor)

        def read(db: sqlite3.Connection) -> Page:
            if where == EVERYTHING:
                slots = tracks.slots_after(db, after, limit + 1)
            else:
                slots = self._search.matching(where, after, limit + 1)
            more = cursors.encode(slots[limit - 1]) if len(slots) > limit else None
            return Page(tuple(_tracks(db, slots[:limit])), more)

        return await self._readers.run(read)

    async def vectors(self, track_ids: Sequence[str], generation: str | None = None) -> dict[str, Floats]:
        """See the port."""
        one = self._generations.find(generation)

        def read(db: sqlite3.Connection) -> dict[str, Floats]:
            slots = tracks.slots_of(db, track_ids)
            found, there = one.index.vectors_of(np.fromiter(slots.values(), np.int64, len(slots)))
            return {id_: vector for id_, vector, is_there in zip(slots, found, there, strict=True) if is_there}

        return await self._readers.run(read)

    async def search(
        self,
        vector: Floats,
        count: int,
        *,
        where: TrackFilter = EVERYTHING,
        exclude: Sequence[str] = (),
        generation: str | None = None,
        exact: bool = False,
    ) -> Found:
        """See the port."""
        query = Query(vector, count, where, exclude, generation, exact)
        return await self._readers.run(lambda db: self._search.search(db, query))

    async def carriers(
        self, *, tag: str | None = None, label: str | None = None, prototype: str | None = None, limit: int = 512
    ) -> Floats:
        """See the port."""
        what, name = the_one_named(tag, label, prototype)
        return await self._readers.run(lambda _: self._search.carriers(Kind[what.upper()], name, limit))

    async def centre(self) -> Floats:
        """See the port."""
        return self._search.centre()

    async def add_generation(self, embedding: str, name: str, model_sha256: str, dim: int) -> Generation:
        """See the port."""
        wanted = GenerationRow(0, name, embedding, model_sha256, dim, "")
        await self._writer.run(lambda steps: lifecycle.begin(steps, self._generations, wanted, self._parts.opener))
        return self._generations.find(name).facts(self._generations.alias)

    async def promote(self, generation: str) -> Generation:
        """See the port."""
        one = await self._writer.run(lambda steps: lifecycle.promote(steps, self._generations, generation))
        return one.facts(self._generations.alias)

    async def drop_generation(self, generation: str) -> None:
        """See the port."""
        one = await self._writer.run(lambda steps: lifecycle.end(steps, self._generations, generation))
        await asyncio.to_thread(self._parts.discard, one)

    async def stale(self, generation: str) -> AsyncIterator[Track]:
        """See the port."""
        after = 0
        while slots := self._search.stale(generation, after, _STALE_PAGE):
            after = slots[-1]
            for track in await self._readers.run(functools.partial(_tracks, slots=slots)):
                if generation not in track.generations:
                    yield track

    async def put_vector(self, track_id: str, generation: str, vector: Floats, content_sha256: str | None) -> bool:
        """See the port."""
        stored = encode(unit(vector, self._generations.get(generation).row.dim))
        return await self._writer.run(
            lambda steps: self._writes.put_vector(steps, track_id, generation, stored, content_sha256)
        )

    async def recall(self, generation: str, sample: int = 200, count: int = 10) -> float:
        """See the port; in a thread of its own, since it takes seconds where there are many tracks."""
        return await asyncio.to_thread(self._search.recall, generation, sample, count)

    async def status(self) -> CatalogStatus:
        """See the port."""
        generations, current = self._generations.all(), self._generations.current()
        held = len(current) if current else 0
        return CatalogStatus(
            engine="embedded",
            tracks=self._columns.tracks,
            stale=max(self._columns.tracks - held, 0),
            generations=tuple(one.facts(self._generations.alias) for one in reversed(generations)),
            writable=self._disk.has_room(),
            bytes=await asyncio.to_thread(bytes_in, self._parts.folder),
        )

    async def index_facts(self) -> Sequence[IndexFacts]:
        """What the index of each generation says of itself, for metrics."""
        return await asyncio.to_thread(lambda: [one.index.facts() for one in self._generations.all()])

    async def aclose(self) -> None:
        """See the port."""
        await asyncio.to_thread(self._parts.close)


def _tracks(db: sqlite3.Connection, slots: Sequence[int]) -> list[Track]:
    return [record.track() for record in tracks.records(db, slots).values()]


def _open_index(folder: Path, dim: int, source: StoredVectors) -> GenerationIndex:
    # Here, because faiss takes a fifth of a second that nobody without a catalogue should wait for.
    from sonotype.catalog.index.index import GenerationIndex  # noqa: PLC0415

    return GenerationIndex.open(folder, dim, source)
