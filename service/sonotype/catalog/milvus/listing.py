"""Lists in the order of creation, page by page."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson

from sonotype.catalog.milvus.client import Client
from sonotype.catalog.milvus.entry import BRIEF_FIELDS, Entry
from sonotype.catalog.milvus.filters import expression
from sonotype.catalog.milvus.generations import Registry
from sonotype.catalog.milvus.layout import tracks_name
from sonotype.catalog.milvus.meta import Kind, Meta, key_of
from sonotype.catalog.milvus.scan import Walk
from sonotype.catalog.port import Page, TrackFilter
from sonotype.core.errors import Code, SonotypeError

_APART_S = 60.0
"""So far the clocks of two gateways may be apart."""
_NODE_BITS = 10
_LONGEST = 400
_BLOCK = 1000


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: its last track, and how wide a window was that brought about a page."""

    position: int = 0
    id: str = ""
    width: int = 0

    def encode(self) -> str:
        """As callers carry it."""
        return base64.urlsafe_b64encode(orjson.dumps([self.position, self.id, self.width])).decode()

    @classmethod
    def decode(cls, text: str | None) -> Cursor:
        """Raises `invalid_request` for one that is not ours."""
        if text is None:
            return cls()
        try:
            position, id_, width = orjson.loads(base64.b64decode(text, altchars=b"-_", validate=True))
            cursor = cls(position, str(id_), width)
        except (binascii.Error, ValueError, TypeError):
            raise _foreign() from None
        if not all(isinstance(one, int) and 0 <= one < 1 << 63 for one in (position, width)):
            raise _foreign()
        return cursor


class Listing:
    """Reads tracks in the order of creation."""

    def __init__(self, client: Client, meta: Meta, registry: Registry) -> None:
        self._client = client
        self._meta = meta
        self._registry = registry
        self._birth = 0
        self._tracks = tracks_name(client)

    async def open(self) -> None:
        """Find out since when there are tracks: a walk that began years before would look at years of nothing."""
        key = key_of(Kind.BIRTH)
        if not (known := await self._meta.get([key])):
            known = {key: int((time.time() - _APART_S) * 1e6) << _NODE_BITS}
            await self._meta.put([(key, Kind.BIRTH, known[key])])
        self._birth = known[key]

    async def page(self, where: TrackFilter, cursor: str | None, limit: int) -> Page:
        """See `port.Catalog.list`."""
        start = Cursor.decode(cursor)
        walk = Walk(self._client, self._tracks, "position", expression(where), fields=BRIEF_FIELDS, wanted=limit + 1)
        entries: list[Entry] = []
        names = await self._registry.names()
        async for rows in walk.rows(max(start.position, self._birth), _end(), start.width):
            read = (Entry.read(row) for row in rows)
            entries += [one for one in read if (one.position, one.id) > (start.position, start.id)]
            if len(entries) > limit:
                break
        tracks = tuple(one.track(names) for one in entries[:limit])
        if len(entries) <= limit:
            return Page(tracks, None)
        last = entries[limit - 1]
        return Page(tracks, Cursor(last.position, last.id, min(walk.width, (1 << 63) - 1)).encode())

    async def every(self) -> AsyncIterator[Entry]:
        """All tracks."""
        walk = Walk(self._client, self._tracks, "position", "", fields=BRIEF_FIELDS, wanted=_BLOCK)
        async for rows in walk.rows(self._birth, _end()):
            for row in rows:
                yield Entry.read(row)


def _end() -> int:
    return int((time.time() + _APART_S) * 1e6) << _NODE_BITS


def _foreign() -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, "The cursor is not one of this catalogue's lists.")
