"""A track as a row of Milvus."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from sonotype.catalog import documents
from sonotype.catalog.documents import Record, encode
from sonotype.catalog.milvus.facts import facts_of
from sonotype.catalog.milvus.filters import exact_key
from sonotype.catalog.milvus.layout import FACT_FIELDS, NOTHING
from sonotype.catalog.milvus.texts import pack, unpack
from sonotype.catalog.track import Draft, Track

_NODE_BITS = 10
ENTRY_FIELDS = ("position", "open", "document", *FACT_FIELDS)
BRIEF_FIELDS = ("position", "revision", "document")


class Clock:
    """Stamps that grow: microseconds since the epoch, and ten bits that keep gateways apart."""

    def __init__(self) -> None:
        self._node = secrets.randbits(_NODE_BITS)
        self._last = 0

    def stamp(self) -> int:
        """Larger than any before, of this process."""
        now = (time.time_ns() // 1000) << _NODE_BITS | self._node
        self._last = max(now, self._last + (1 << _NODE_BITS))
        return self._last


def microseconds(stamp: int) -> int:
    """The time of a stamp, since the epoch."""
    return stamp >> _NODE_BITS


@dataclass(frozen=True, slots=True)
class Entry:
    """A track with all that its rows hold but the vectors.

    Attributes:
        record: the document, without generations.
        held: collections of vectors that hold one of it.
        collection: of the track.
        external: its external id, where there is one.
        position: stamp of its creation: the order of lists.
        revision: stamp of the last change; a vector's row that carries the same belongs to it.
        open: a change of its vectors was begun, and is under way or was never finished.
        facts: `layout.FACT_FIELDS` without the revision; empty where only the document was read.
    """

    record: Record
    held: tuple[str, ...]
    collection: str
    external: str | None
    position: int
    revision: int
    facts: dict[str, Any]
    open: bool = False

    @classmethod
    def of(cls, track_id: str, draft: Draft, held: tuple[str, ...], old: Entry | None, revision: int) -> Entry:
        """The state that a draft asks for, in the place of another one where there is one.

        Raises:
            SonotypeError: `invalid_request` for metadata that cannot be stored.
        """
        position = revision if old is None else old.position
        now = microseconds(revision)
        created = documents.microseconds(draft.created_at, now) if old is None else old.record.created
        updated = documents.microseconds(draft.updated_at, now)
        record = Record(track_id, draft.content_sha256, created, updated, (), encode(draft))
        named = (draft.metadata.collection, draft.metadata.external_id)
        return cls(record, held, *named, position, revision, facts_of(track_id, draft))

    @classmethod
    def read(cls, row: dict[str, Any]) -> Entry:
        """From a row with `ENTRY_FIELDS`, or with `BRIEF_FIELDS`."""
        body = orjson.loads(unpack(row["document"]))
        position, revision = int(row["position"]), int(row["revision"])
        created, updated = body.get("times") or (microseconds(position), microseconds(revision))
        record = Record(str(row["id"]), body["content"], created, updated, (), orjson.dumps(body["body"]))
        facts = {name: _plain(row[name]) for name in FACT_FIELDS if name in row and name != "revision"}
        named = (body["collection"], body["external"])
        return cls(record, tuple(body["held"]), *named, position, revision, facts, bool(row.get("open")))

    @property
    def id(self) -> str:
        """Of the track."""
        return self.record.id

    @property
    def content(self) -> str | None:
        """Hash of its audio (hex)."""
        return self.record.content

    def named(self, names: Mapping[str, str]) -> Record:
        """The document with its generations, given their names by collection."""
        return replace(self.record, generations=tuple(name for one, name in names.items() if one in self.held))

    def track(self, names: Mapping[str, str]) -> Track:
        """As the port gives it."""
        return self.named(names).track()

    def holding(self, held: tuple[str, ...]) -> Entry:
        """The same with vectors in other collections."""
        return replace(self, held=held)

    def row(self, *, open_: bool = False) -> dict[str, Any]:
        """As it is stored among the tracks."""
        body: dict[str, Any] = {
            "collection": self.collection, "external": self.external, "content": self.content,
            "held": self.held, "body": orjson.Fragment(self.record.body),
        }  # fmt: skip
        times = (self.record.created, self.record.updated)
        if times != (microseconds(self.position), microseconds(self.revision)):  # imported
            body["times"] = times
        return {
            "id": self.id, "vector": NOTHING, "position": self.position, "open": int(open_),
            "document": pack(orjson.dumps(body)), "generations": [exact_key(name) for name in self.held],
            "revision": self.revision, **self.facts,
        }  # fmt: skip

    def vector_row(self, vector: Any) -> dict[str, Any]:
        """As it is stored among the vectors of a generation."""
        return {"id": self.id, "vector": vector, "revision": self.revision, **self.facts}


def _plain(value: Any) -> Any:
    """Arrays come back as containers of the wire format."""
    return value if isinstance(value, int | float) else [int(one) for one in value]
