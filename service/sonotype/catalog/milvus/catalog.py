"""The catalogue's port on Milvus: milvus-lite in this process, a server, or a cluster, through one client library."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Self

import numpy as np
import structlog

from sonotype.catalog.carriers import the_one_named
from sonotype.catalog.milvus.address import Address
from sonotype.catalog.milvus.client import TIMEOUT_S, Client
from sonotype.catalog.milvus.entry import BRIEF_FIELDS, Entry
from sonotype.catalog.milvus.filters import carries, check_id, storable
from sonotype.catalog.milvus.generations import Known, Registry
from sonotype.catalog.milvus.layout import create_meta, create_tracks, tracks_name
from sonotype.catalog.milvus.listing import Listing
from sonotype.catalog.milvus.meta import Kind, Meta, key_of
from sonotype.catalog.milvus.plan import KEPT_S, Delete, Put, PutVector
from sonotype.catalog.milvus.repair import Repair
from sonotype.catalog.milvus.samples import Samples
from sonotype.catalog.milvus.searching import Searching
from sonotype.catalog.milvus.writer import ABANDONED_S, Writer
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

log = structlog.get_logger(__name__)
_TIDY_S = 600.0


class MilvusCatalog:
    """A `port.Catalog`.

    What Milvus cannot promise, as it has no transactions: two gateways that write one track in the same moment may mix
    its document with the other's vector until the track is written again; and for the moment of a write, readers may
    see the new document with the old vector. Within one gateway writes are ordered. See docs/catalog-scale.md.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tracks = tracks_name(client)
        self._meta = Meta(client)
        self._registry = Registry(client, self._meta)
        self._samples = Samples(client, self._meta)
        self._searching = Searching(client, self._samples)
        self._listing = Listing(client, self._meta, self._registry)
        self._repair = Repair(client, self._registry)
        self._writer = Writer(client, self._meta, self._registry, self._samples)
        self._tidying: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, url: str, token: str | None = None, timeout_s: float = TIMEOUT_S) -> Self:
        """Connect, make what is missing, put right what a crash left.

        Args:
            url: see `Address.parse`.
            token: `user:password` or an API key; also taken from the URL (`http://user:password@host`).
            timeout_s: how long one call of the engine may take.

        Raises:
            SonotypeError: `invalid_request` for a bad address; `unavailable`; `conflict` where another process holds
                the file of a milvus-lite.
        """
        client = await Client.open(Address.parse(url), token, timeout_s)
        catalog = cls(client)
        try:
            await create_meta(client)
            await create_tracks(client)
            await catalog._listing.open()
            await catalog._registry.sweep()
            await catalog._tidy()
        except BaseException:
            await catalog.aclose()
            raise
        catalog._tidying = asyncio.create_task(catalog._keep_tidy(), name="milvus-tidy")
        return catalog

    async def put(
        self, draft: Draft, idempotency: Idempotency | None = None, *, seen: datetime | None = None
    ) -> Stored:
        """See the port."""
        known = await self._registry.every()
        if not set(draft.vectors) <= set(known):
            raise SonotypeError(Code.INVALID_REQUEST, "There is no such generation of embeddings in the catalogue.")
        if draft.id is not None:
            check_id(draft.id)
        vectors = {known[name].collection: unit(vector, known[name].dim) for name, vector in draft.vectors.items()}
        stored: Stored = await self._writer.run(Put(draft, vectors, idempotency, seen))
        return stored

    async def get(self, track_id: str) -> Track:
        """See the port."""
        for track in await self.get_many([track_id]):
            return track
        raise SonotypeError(Code.NOT_FOUND, "There is no such track.")

    async def find(self, collection: str, external_id: str) -> Track | None:
        """See the port."""
        key = key_of(Kind.NAME, "external", collection, external_id)
        ids = list((await self._meta.get([key])).values())
        rows = await self._client.fetch(self._tracks, ids, BRIEF_FIELDS)
        entries = [Entry.read(row) for row in rows.values()]
        names = await self._registry.names()
        fitting = (one for one in entries if (one.collection, one.external) == (collection, external_id))
        return next((one.track(names) for one in fitting), None)

    async def get_many(self, track_ids: Sequence[str]) -> list[Track]:
        """See the port."""
        rows = await self._client.fetch(self._tracks, filter(storable, track_ids), BRIEF_FIELDS)
        names = await self._registry.names()
        return [Entry.read(rows[one]).track(names) for one in track_ids if one in rows]

    async def delete(self, track_id: str) -> None:
        """See the port."""
        await self._writer.run(Delete(track_id))

    async def list(self, where: TrackFilter, cursor: str | None, limit: int) -> Page:
        """See the port."""
        return await self._listing.page(where, cursor, limit)

    async def vectors(self, track_ids: Sequence[str], generation: str | None = None) -> dict[str, Floats]:
        """See the port."""
        return await self._searching.vectors(await self._registry.find(generation), track_ids)

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
        """See the port. An exact search reads every vector that passes the filter over the wire."""
        known = await self._registry.find(generation)
        return await self._searching.search(known, unit(vector, known.dim), count, where, exclude=exclude, exact=exact)

    async def carriers(
        self, *, tag: str | None = None, label: str | None = None, prototype: str | None = None, limit: int = 512
    ) -> Floats:
        """See the port."""
        what, name = the_one_named(tag, label, prototype)
        return await self._searching.carriers(await self._registry.find(None), f"{what}s", name, limit)

    async def centre(self) -> Floats:
        """See the port."""
        sample = await self._samples.of(await self._registry.find(None))
        return sample.mean.astype(np.float32)

    async def add_generation(self, embedding: str, name: str, model_sha256: str, dim: int) -> Generation:
        """See the port."""
        return await self._generation(await self._registry.add(embedding, name, model_sha256, dim))

    async def promote(self, generation: str) -> Generation:
        """See the port. Other gateways follow within seconds."""
        return await self._generation(await self._registry.promote(generation))

    async def drop_generation(self, generation: str) -> None:
        """See the port."""
        known = await self._registry.find(generation)
        await self._registry.drop(generation)
        self._samples.forget(known)

    async def stale(self, generation: str) -> AsyncIterator[Track]:
        """See the port."""
        known = await self._registry.find(generation)
        names = await self._registry.names()
        async for entry in self._listing.every():
            if known.collection not in entry.held:
                yield entry.track(names)

    async def put_vector(self, track_id: str, generation: str, vector: Floats, content_sha256: str | None) -> bool:
        """See the port."""
        known = await self._registry.find(generation)
        operation = PutVector(track_id, known.collection, unit(vector, known.dim), content_sha256)
        return bool(await self._writer.run(operation))

    async def recall(self, generation: str, sample: int = 200, count: int = 10) -> float:
        """See the port."""
        return await self._searching.recall(await self._registry.find(generation), sample, count)

    async def status(self) -> CatalogStatus:
        """See the port."""
        known = await self._registry.every()
        current = await self._registry.current()
        tracks = await self._client.count(self._tracks)
        held = await self._client.count(self._tracks, carries("generations", current.collection)) if current else 0
        generations = await asyncio.gather(*(self._generation(one) for one in reversed(known.values())))
        return CatalogStatus("milvus", tracks, tracks - held, tuple(generations), writable=True, bytes=None)

    async def aclose(self) -> None:
        """See the port."""
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.gather(self._tidying, return_exceptions=True)
        await self._writer.aclose()
        await self._client.aclose()

    async def _generation(self, known: Known) -> Generation:
        current = await self._registry.current()
        loading = await self._registry.loading(known)
        tracks = 0 if loading else await self._client.count(known.collection)
        return Generation(
            known.name, known.embedding, known.model_sha256, known.dim, "building" if loading else "ready", tracks,
            current is not None and known.name == current.name,
            "The engine is loading its vectors." if loading else None,
        )  # fmt: skip

    async def _tidy(self) -> None:
        """Forget old promises, close what was left open. One process has a milvus-lite: all that is open is old."""
        now = time.time()
        await self._meta.forget_older(Kind.IDEMPOTENCY, now - KEPT_S)
        await self._repair.everything(now if self._client.address.embedded else now - ABANDONED_S)

    async def _keep_tidy(self) -> None:
        """Again after a while: the gateway that crashed may have been this one, a second ago."""
        await asyncio.sleep(2 * ABANDONED_S)
        while True:
            try:
                if not self._client.address.embedded:
                    await self._tidy()
            except SonotypeError as error:
                log.warning("the catalogue could not be tidied", code=str(error.code))
            await asyncio.sleep(_TIDY_S)
