"""What an operation does to the catalogue, decided from what was read, without input or output."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import orjson

from sonotype.catalog.documents import MOVED, Record, microseconds, recall, remember
from sonotype.catalog.keys import recording_keys, signed
from sonotype.catalog.milvus.entry import Clock, Entry
from sonotype.catalog.milvus.filters import exact_key
from sonotype.catalog.milvus.meta import Kind, key_of
from sonotype.catalog.port import Idempotency, Stored
from sonotype.catalog.track import Draft
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats

KEPT_S = 24 * 3600.0
Value = tuple[str, Kind, Any]


@dataclass(frozen=True, slots=True)
class State:
    """What was read for a wave of operations.

    Attributes:
        entries: tracks by id.
        values: of the meta collection by key.
        generations: names by the collection of their vectors, oldest first.
    """

    entries: Mapping[str, Entry]
    values: Mapping[str, Any]
    generations: Mapping[str, str]


@dataclass(slots=True)
class Change:
    """What is to be written, in the order of the fields.

    Attributes:
        result: the answer.
        names: values that lead to the track.
        pending: the track while its vectors change; None where nothing can be inconsistent.
        vectors: to store, by collection.
        kept: collections whose vectors stay, with the new facts.
        dropped: collections whose vectors go.
        final: the track in the end; None where it is deleted.
        values: the answer, for replays.
        track_id: of the track; None where nothing is written.
    """

    result: Any
    track_id: str | None = None
    names: list[Value] = field(default_factory=list)
    pending: Entry | None = None
    vectors: Mapping[str, Floats] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    final: Entry | None = None
    values: list[Value] = field(default_factory=list)


class Operation(Protocol):
    """Something that changes one track."""

    def ids(self) -> Iterable[str]:
        """Tracks that it may be about."""

    def keys(self) -> Iterable[str]:
        """Values that it must know."""

    def decide(self, state: State, clock: Clock) -> Change:
        """What to write. Raises any error of the port."""


@dataclass(frozen=True, slots=True)
class Put:
    """`port.Catalog.put`, with unit vectors by the collection they go to.

    An id that the catalogue makes follows from what names the track, so that two gateways that store one file, or one
    gateway asked twice, write the same row.
    """

    draft: Draft
    vectors: Mapping[str, Floats]
    promise: Idempotency | None
    seen: datetime | None = None

    def ids(self) -> Iterable[str]:
        """The id that was given, or that would be made."""
        yield self.draft.id or self._made_id()

    def keys(self) -> Iterable[str]:
        """Its names, and its promise."""
        yield from (key for key in (self._promise_key(), self._name_key()) if key)

    def decide(self, state: State, clock: Clock) -> Change:
        """Create, replace or replay."""
        if self.promise is not None and (answer := self._answer(state)) is not None:
            return Change(answer)
        old = self._old(state)
        if self.seen is not None and (old is None or old.record.updated != microseconds(self.seen)):
            raise SonotypeError(Code.CONFLICT, MOVED)
        revision = clock.stamp()
        track_id = old.id if old is not None else self._new_id(state)
        same = old is not None and old.content == self.draft.content_sha256
        kept = tuple(one for one in (old.held if old and same else ()) if one not in self.vectors)
        held = tuple(one for one in state.generations if one in kept or one in self.vectors)
        final = Entry.of(track_id, self.draft, held, old, revision)
        dropped = tuple(one for one in state.generations if one not in held) if old is not None else ()
        record = final.named(state.generations)
        return Change(
            Stored(record.track(), created=old is None), track_id, names=self._names(state, final),
            pending=final.holding(kept), vectors=self.vectors, kept=kept, dropped=dropped, final=final,
            values=self._promised(record, final.position, created=old is None),
        )  # fmt: skip

    def _answer(self, state: State) -> Stored | None:
        assert self.promise is not None  # noqa: S101 - decided by the caller
        value = state.values.get(self._promise_key() or "")
        if value is None or value["at"] < time.time() - KEPT_S:
            return None
        if value["request"] != self.promise.request_sha256:
            raise SonotypeError(Code.IDEMPOTENCY_MISMATCH, "The Idempotency-Key was used for another request before.")
        now = state.entries.get(value["id"])
        if now is None or now.position != value["position"]:
            raise SonotypeError(Code.NOT_FOUND, "The track that this request stored has been deleted since.")
        record, created = recall(orjson.dumps(value["answer"]))
        return Stored(record.track(), created=created, replayed=True)

    def _promised(self, record: Record, position: int, *, created: bool) -> list[Value]:
        if self.promise is None:
            return []
        value = {
            "request": self.promise.request_sha256, "id": record.id, "position": position, "at": time.time(),
            "answer": orjson.loads(remember(record, created=created)),
        }  # fmt: skip
        return [(self._promise_key() or "", Kind.IDEMPOTENCY, value)]

    def _old(self, state: State) -> Entry | None:
        named = self._named(state)
        if self.draft.id is None:
            return named
        if named is not None and self.draft.metadata.external_id is not None and named.id != self.draft.id:
            raise SonotypeError(Code.CONFLICT, f"The external id belongs to the track {named.id} of this collection.")
        return state.entries.get(self.draft.id)

    def _named(self, state: State) -> Entry | None:
        """The oldest track with this external id, or failing one with this content."""
        if self._name_key() is None:
            return None
        return min(filter(self._fits, state.entries.values()), key=lambda one: one.position, default=None)

    def _fits(self, entry: Entry) -> bool:
        metadata = self.draft.metadata
        if entry.collection != metadata.collection or entry.external != metadata.external_id:
            return False
        return metadata.external_id is not None or entry.content == self.draft.content_sha256

    def lost(self, values: Mapping[str, Any], entries: Mapping[str, Entry]) -> str | None:
        """Where to look for another track of this content when the one that its name led to is gone or changed."""
        content = self.draft.content_sha256
        if self.draft.metadata.external_id is not None or content is None or self._name_key() not in values:
            return None
        if any(map(self._fits, entries.values())):
            return None
        keys = signed(recording_keys(content, None, None)[0]), exact_key(self.draft.metadata.collection)
        return "content == {} and collection == {}".format(*keys)

    def _names(self, state: State, entry: Entry) -> list[Value]:
        key = self._name_key()
        owner = self._named(state)
        if key is None or (owner is not None and state.values.get(key) == owner.id):
            return []
        return [(key, Kind.NAME, entry.id)]

    def _name_key(self) -> str | None:
        metadata = self.draft.metadata
        return name_key_of(metadata.collection, metadata.external_id, self.draft.content_sha256)

    def _promise_key(self) -> str | None:
        return key_of(Kind.IDEMPOTENCY, self.promise.client, self.promise.key) if self.promise is not None else None

    def _made_id(self) -> str:
        named = self._name_key() or self._promise_key()
        if named is None:
            return f"t{uuid.uuid4().hex}"
        return "t" + base64.b32encode(hashlib.sha256(named.encode()).digest()[:20]).decode().lower()

    def _new_id(self, state: State) -> str:
        made = self.draft.id or self._made_id()
        return made if made not in state.entries else f"t{uuid.uuid4().hex}"


@dataclass(frozen=True, slots=True)
class Delete:
    """`port.Catalog.delete`."""

    track_id: str

    def ids(self) -> Iterable[str]:
        """The track."""
        return (self.track_id,)

    def keys(self) -> Iterable[str]:
        """None."""
        return ()

    def decide(self, state: State, clock: Clock) -> Change:
        """Delete, if it is there."""
        old = state.entries.get(self.track_id)
        if old is None:
            raise SonotypeError(Code.NOT_FOUND, "There is no such track.")
        return Change(None, old.id, pending=old.holding(()), dropped=tuple(state.generations))


@dataclass(frozen=True, slots=True)
class PutVector:
    """`port.Catalog.put_vector`, with a unit vector."""

    track_id: str
    collection: str
    vector: Floats
    content_sha256: str | None

    def ids(self) -> Iterable[str]:
        """The track."""
        return (self.track_id,)

    def keys(self) -> Iterable[str]:
        """None."""
        return ()

    def decide(self, state: State, clock: Clock) -> Change:
        """Add the vector, if the track is still what it was made of."""
        old = state.entries.get(self.track_id)
        if old is None or old.content != self.content_sha256:
            return Change(False)
        held = tuple(one for one in state.generations if one in old.held or one == self.collection)
        return Change(True, old.id, vectors={self.collection: self.vector}, final=old.holding(held))


def name_key_of(collection: str, external_id: str | None, content_sha256: str | None) -> str | None:
    """The key that leads from an external id, or failing one from the content, to a track."""
    if external_id is not None:
        return key_of(Kind.NAME, "external", collection, external_id)
    return None if content_sha256 is None else key_of(Kind.NAME, "content", collection, content_sha256)
