"""Put right what a crash left between two writes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog

from sonotype.catalog.milvus.client import Client
from sonotype.catalog.milvus.entry import ENTRY_FIELDS, Entry
from sonotype.catalog.milvus.generations import Registry
from sonotype.catalog.milvus.layout import tracks_name

log = structlog.get_logger(__name__)
_AT_ONCE = 256
_NODE_BITS = 10


class Repair:
    """Close tracks that were left open: what fits them stays, what does not goes, and they are then stale at worst."""

    def __init__(self, client: Client, registry: Registry) -> None:
        self._client = client
        self._registry = registry
        self._tracks = tracks_name(client)

    async def everything(self, before_s: float) -> int:
        """All tracks that were opened before a point in time (seconds since the epoch). How many there were."""
        limit = int(before_s * 1e6) << _NODE_BITS
        done = 0
        while rows := await self._client.query(
            self._tracks, f"open == 1 and revision < {limit}", ENTRY_FIELDS, _AT_ONCE
        ):
            await self.entries([Entry.read(row) for row in rows])
            done += len(rows)
        if done:
            log.warning("tracks of the catalogue were left half written and have been put right", tracks=done)
        return done

    async def entries(self, entries: Sequence[Entry]) -> None:
        """Close these tracks."""
        names = list(await self._registry.names())
        fitting = await asyncio.gather(*(self._settle(name, entries) for name in names))
        held = dict(zip(names, fitting, strict=True))
        closed = [one.holding(tuple(name for name in names if one.id in held[name])) for one in entries]
        await self._client.upsert(self._tracks, [one.row() for one in closed])

    async def _settle(self, collection: str, entries: Sequence[Entry]) -> set[str]:
        """Ids whose vector in a collection fits; others' vectors are deleted, and old facts written anew."""
        rows = await self._client.fetch(collection, (one.id for one in entries), ["vector", "revision"])
        fit: set[str] = set()
        rewritten: list[dict[str, Any]] = []
        for one in entries:
            row = rows.get(one.id)
            if row is not None and int(row["revision"]) == one.revision:
                fit.add(one.id)
            elif row is not None and collection in one.held:
                fit.add(one.id)
                rewritten.append(one.vector_row(list(row["vector"])))
        await self._client.delete(collection, [id_ for id_ in rows if id_ not in fit])
        await self._client.upsert(collection, rewritten)
        return fit
