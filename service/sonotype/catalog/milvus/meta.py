"""What the catalogue knows of itself: named values in a collection of their own."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any

import orjson

from sonotype.catalog.milvus.client import Client
from sonotype.catalog.milvus.layout import NOTHING, meta_name
from sonotype.catalog.milvus.texts import join, pack, split, unpack

_LIMIT = 16_384


class Kind(IntEnum):
    """What a value is about."""

    GENERATION = 1
    NAME = 2
    IDEMPOTENCY = 3
    SAMPLE = 4
    BIRTH = 5


def key_of(kind: Kind, *parts: str) -> str:
    """The primary key of a value: letters and digits only, whatever the parts are."""
    text = "\x1f".join(part.encode("utf-8", "surrogatepass").hex() for part in parts)
    return f"{kind.name.lower()}-{hashlib.sha256(text.encode()).hexdigest()}"


class Meta:
    """The values. All methods raise `unavailable`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._collection = meta_name(client)

    async def get(self, keys: Iterable[str]) -> dict[str, Any]:
        """Values by key; unknown ones are left out."""
        rows = await self._client.fetch(self._collection, keys, ["value"])
        return {key: orjson.loads(unpack(row["value"])) for key, row in rows.items()}

    async def every(self, kind: Kind) -> list[Any]:
        """All values of a kind; for the few there are of generations."""
        rows = await self._client.query(self._collection, f"kind == {int(kind)}", ["value"], _LIMIT)
        return [orjson.loads(unpack(row["value"])) for row in rows]

    async def put(self, values: Sequence[tuple[str, Kind, Any]]) -> None:
        """Store values under their keys."""
        rows = [self._row(key, kind, pack(orjson.dumps(value))) for key, kind, value in values]
        await self._client.upsert(self._collection, rows)

    async def delete(self, keys: Iterable[str]) -> None:
        """Forget values."""
        await self._client.delete(self._collection, keys)

    async def forget_older(self, kind: Kind, than_s: float) -> None:
        """Forget values of a kind that were stored before a point in time (seconds since the epoch)."""
        old = f"kind == {int(kind)} and at < {int(than_s)}"
        rows = await self._client.query(self._collection, old, [], _LIMIT)
        await self.delete(str(row["id"]) for row in rows)

    async def put_large(self, key: str, kind: Kind, data: bytes) -> None:
        """Store bytes of any length under `key-0`, `key-1` …; read them with `get_large`."""
        parts = split(data)
        rows = [self._row(f"{key}-{number}", kind, f"{len(parts)}:{part}") for number, part in enumerate(parts)]
        await self._client.upsert(self._collection, rows)

    async def get_large(self, key: str) -> bytes | None:
        """Bytes that `put_large` stored; None where they are not there, or not whole."""
        first = (await self._client.fetch(self._collection, [f"{key}-0"], ["value"])).get(f"{key}-0")
        if first is None:
            return None
        count = int(first["value"].partition(":")[0])
        names = [f"{key}-{number}" for number in range(count)]
        rows = await self._client.fetch(self._collection, names, ["value"])
        return join([rows[name]["value"].partition(":")[2] for name in names if name in rows])

    def _row(self, key: str, kind: Kind, value: str) -> dict[str, Any]:
        return {"id": key, "vector": NOTHING, "kind": int(kind), "at": int(time.time()), "value": value}
