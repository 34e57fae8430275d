"""The generations: facts in the meta collection, vectors in one collection each, the current one behind an alias."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from sonotype.catalog.milvus.client import SLOW_S, Client
from sonotype.catalog.milvus.layout import alias_name, collections, create_vectors, drop, vectors_name
from sonotype.catalog.milvus.meta import Kind, Meta, key_of
from sonotype.core.errors import Code, SonotypeError

_FRESH_S = 5.0


@dataclass(frozen=True, slots=True)
class Known:
    """A generation as the meta collection has it.

    Attributes:
        name: see `port.Generation`.
        embedding: the same.
        model_sha256: the same.
        dim: the same.
        begun: seconds since the epoch.
        collection: of its vectors.
    """

    name: str
    embedding: str
    model_sha256: str
    dim: int
    begun: float
    collection: str


class Registry:
    """All generations, and which one is current; read again every few seconds, as another gateway may change them."""

    def __init__(self, client: Client, meta: Meta) -> None:
        self._client = client
        self._meta = meta
        self._known: dict[str, Known] = {}
        self._current: str | None = None
        self._read_at = -_FRESH_S
        self._lock = asyncio.Lock()

    async def every(self) -> dict[str, Known]:
        """By name, oldest first."""
        await self._refresh()
        return self._known

    async def names(self) -> dict[str, str]:
        """Names by the collection of their vectors, oldest first."""
        return {known.collection: name for name, known in (await self.every()).items()}

    async def current(self) -> Known | None:
        """Where searches go; None in a catalogue without generations."""
        await self._refresh()
        return self._known.get(self._current or "")

    async def find(self, name: str | None) -> Known:
        """The generation of a name, None meaning the current one. Raises `not_found`."""
        known = await self.current() if name is None else (await self.every()).get(name)
        if known is None:
            await self._refresh(now=True)
            known = self._known.get(name or self._current or "")
        if known is None:
            raise SonotypeError(Code.NOT_FOUND, "There is no such generation of embeddings in the catalogue.")
        return known

    async def add(self, embedding: str, name: str, model_sha256: str, dim: int) -> Known:
        """Begin one, or return the one of that name; the first becomes the current one.

        Its facts are written before its collection is made, so that `sweep` never takes a new one for a left-over.
        """
        async with self._lock:
            await self._read()
            if (known := self._known.get(name)) is not None and known.dim != dim:
                raise SonotypeError(Code.CONFLICT, "The generation of that name has vectors of another length.")
            if known is None:
                begun = time.time()
                known = Known(name, embedding, model_sha256, dim, begun, vectors_name(self._client, name, begun))
                await self._meta.put([(key_of(Kind.GENERATION, name), Kind.GENERATION, _as_json(known))])
            await create_vectors(self._client, known.collection, dim)
            if self._current is None:
                await self._point_to(known)
            await self._read()
            return self._known[name]

    async def promote(self, name: str) -> Known:
        """Let the alias point to one. Raises `not_found`, `conflict` while the engine has not loaded it."""
        known = await self.find(name)
        if await self.loading(known):
            raise SonotypeError(Code.CONFLICT, "The generation is still being loaded by the engine.")
        async with self._lock:
            await self._point_to(known)
            await self._read()
        return known

    async def drop(self, name: str) -> None:
        """Delete one with its vectors. Raises `not_found`, `conflict` for the current one."""
        known = await self.find(name)
        if name == self._current:
            raise SonotypeError(Code.CONFLICT, "The current generation cannot be deleted: promote another one first.")
        async with self._lock:
            await self._meta.delete([key_of(Kind.GENERATION, name)])
            await drop(self._client, known.collection)
            await self._read()

    async def loading(self, known: Known) -> bool:
        """Whether the engine cannot search it yet."""
        state = await self._client.call(lambda milvus: milvus.get_load_state(known.collection))
        return "Loaded" not in str(state.get("state"))

    async def sweep(self) -> None:
        """Finish what a crash left half done: make missing collections, delete those that no generation has."""
        async with self._lock:
            await self._read()
            for known in self._known.values():
                await create_vectors(self._client, known.collection, known.dim)
            mine = {known.collection for known in self._known.values()}
            for name in await collections(self._client):
                if name.startswith(f"{self._client.address.prefix}_v_") and name not in mine:
                    await drop(self._client, name)

    async def _refresh(self, *, now: bool = False) -> None:
        if now or time.monotonic() - self._read_at > _FRESH_S:
            async with self._lock:
                await self._read()

    async def _read(self) -> None:
        values = await self._meta.every(Kind.GENERATION)
        known = [
            Known(**value, collection=vectors_name(self._client, value["name"], value["begun"])) for value in values
        ]
        self._known = {one.name: one for one in sorted(known, key=lambda one: (one.begun, one.name))}
        target = await self._alias()
        self._current = next((one.name for one in known if one.collection == target), None)
        self._read_at = time.monotonic()

    async def _alias(self) -> str | None:
        """The collection that the alias points to."""
        listed = await self._client.call(lambda milvus: _targets(milvus, alias_name(self._client), self._known))
        return str(listed) if listed else None

    async def _point_to(self, known: Known) -> None:
        alias = alias_name(self._client)
        there = await self._alias() is not None

        def point(milvus: Any) -> None:
            move = milvus.alter_alias if there else milvus.create_alias
            move(known.collection, alias, timeout=SLOW_S)

        await self._client.call(point, SLOW_S)


def _targets(milvus: Any, alias: str, known: dict[str, Known]) -> str | None:
    """Milvus raises for an alias that it does not know; asking each collection for its aliases does not."""
    for one in known.values():
        if milvus.has_collection(one.collection) and alias in milvus.list_aliases(one.collection)["aliases"]:
            return one.collection
    return None


def _as_json(known: Known) -> dict[str, Any]:
    return {
        "name": known.name, "embedding": known.embedding, "model_sha256": known.model_sha256, "dim": known.dim,
        "begun": known.begun,
    }  # fmt: skip
