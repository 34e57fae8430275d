"""What is written about tracks; each function runs on the writer's thread, inside a transaction."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sonotype.catalog import documents
from sonotype.catalog.documents import Record
from sonotype.catalog.embedded import idempotency, tracks
from sonotype.catalog.embedded.columns import Columns
from sonotype.catalog.embedded.disk import DiskGuard
from sonotype.catalog.embedded.facts import Term, pack, pack_terms, terms_of
from sonotype.catalog.embedded.generations import Generations, OpenGeneration
from sonotype.catalog.embedded.vectors import checksum, decode, encode
from sonotype.catalog.embedded.writer import Transaction
from sonotype.catalog.port import Idempotency
from sonotype.catalog.track import Draft
from sonotype.catalog.vectors import unit
from sonotype.core.errors import Code, SonotypeError


@dataclass(frozen=True, slots=True)
class Prepared:
    """A draft with all that can be computed before its turn.

    Attributes:
        draft: as it came.
        body: its document.
        packed: its keys and numbers.
        terms: it carries.
        vectors: as they are stored, by generation.
        seen: when the track that it replaces was last changed, in microseconds since the epoch, if that matters.
    """

    draft: Draft
    body: bytes
    packed: bytes
    terms: list[Term]
    vectors: Mapping[str, bytes]
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a draft; `port.Stored` with the track still packed."""

    record: Record
    created: bool
    replayed: bool = False


def prepare(draft: Draft, generations: Generations, seen: datetime | None = None) -> Prepared:
    """Check and pack a draft. Raises `invalid_request`."""
    vectors = {name: encode(unit(vector, generations.get(name).row.dim)) for name, vector in draft.vectors.items()}
    when = None if seen is None else documents.microseconds(seen)
    return Prepared(draft, documents.encode(draft), pack(draft), terms_of(draft), vectors, when)


class Writes:
    """The writing half of the catalogue.

    Args:
        columns: follow every commit.
        generations: their indexes follow it too.
        disk: asked before anything is stored.
        clock: seconds since the epoch.
    """

    def __init__(self, columns: Columns, generations: Generations, disk: DiskGuard, clock: Callable[[], float]) -> None:
        self._columns, self._generations, self._disk, self._clock = columns, generations, disk, clock
        self._terms: dict[Term, int] = {}

    def put(self, steps: Transaction, new: Prepared, promise: Idempotency | None) -> Outcome:
        """Store a track as `port.Catalog.put` says."""
        now = self._clock()
        known = None if promise is None else idempotency.answer_of(steps.db, promise, now)
        if known is not None:
            return Outcome(*documents.recall(known), replayed=True)
        self._disk.check()
        outcome, slot = self._store(steps, new, int(now * 1e6))
        if promise is not None:
            answer = documents.remember(outcome.record, created=outcome.created)
            idempotency.remember(steps.db, promise, slot, answer, now)
        return outcome

    def delete(self, steps: Transaction, track_id: str) -> None:
        """Delete a track. Also where the disk is full: it makes room. Raises `not_found`."""
        old = tracks.by_id(steps.db, track_id)
        if old is None:
            raise SonotypeError(Code.NOT_FOUND, "The catalogue has no such track.")
        for generation in self._generations.all():
            _drop_vector(steps, generation, old.slot)
        tracks.delete(steps.db, old.slot)
        steps.then.append(lambda: self._columns.remove(old.facts))

    def put_vector(
        self, steps: Transaction, track_id: str, generation: str, vector: bytes, content_sha256: str | None
    ) -> bool:
        """Add one vector to a track; False if the track is gone or has another content."""
        one = self._generations.get(generation)
        old = tracks.by_id(steps.db, track_id)
        if old is None or old.content != content_sha256:
            return False
        self._disk.check()
        _store_vector(steps, one, old.slot, vector)
        return True

    def _store(self, steps: Transaction, new: Prepared, now: int) -> tuple[Outcome, int]:
        draft, db = new.draft, steps.db
        old = tracks.find(db, draft)
        if new.seen is not None and (old is None or old.updated != new.seen):
            raise SonotypeError(Code.CONFLICT, documents.MOVED)
        record = _record(new, old, now)
        terms = pack_terms(self._number(steps, term) for term in new.terms)
        row = tracks.store(db, old, record, (draft.metadata.collection, draft.metadata.external_id, new.packed, terms))
        before = None if old is None else old.facts
        steps.then.append(lambda: self._columns.replace(before, row.facts))
        same = old is not None and old.content == draft.content_sha256
        names = self._store_vectors(steps, row.slot, new.vectors, old is not None, same)
        return Outcome(replace(record, generations=names), created=old is None), row.slot

    def _store_vectors(
        self, steps: Transaction, slot: int, vectors: Mapping[str, bytes], known: bool, same: bool
    ) -> tuple[str, ...]:
        """Store vectors, drop those of other generations unless the content is the same; names of all there are."""
        names = []
        for one in self._generations.all():
            vector = vectors.get(one.row.name)
            if vector is not None:
                _store_vector(steps, one, slot, vector, known=known)
                names.append(one.row.name)
            elif known and same and _held(steps, one, slot) is not None:
                names.append(one.row.name)
            elif known:
                _drop_vector(steps, one, slot)
        if not set(vectors) <= set(names):  # dropped since the draft was checked
            raise SonotypeError(Code.INVALID_REQUEST, "The embedding is of a generation that the catalogue has not.")
        return tuple(names)

    def _number(self, steps: Transaction, term: Term) -> int:
        """The number of a term, a new one where it is the first time."""
        known = self._terms.get(term)
        if known is not None:
            return known
        found = steps.db.execute("SELECT term FROM terms WHERE kind = ? AND name = ?", term).fetchone()
        if found is None:
            found = (steps.db.execute("INSERT INTO terms (kind, name) VALUES (?, ?)", term).lastrowid,)
        number = self._terms[term] = int(found[0])
        steps.undo.append(lambda: self._terms.__delitem__(term))
        steps.then.append(lambda: self._columns.learn({term: number}))
        return number


def _record(new: Prepared, old: tracks.Row | None, now: int) -> Record:
    """The track as it shall stand there, without its generations; times in microseconds since the epoch."""
    draft = new.draft
    created = documents.microseconds(draft.created_at, now) if old is None else old.created
    updated = documents.microseconds(draft.updated_at, now if old is None else max(now, old.updated))
    track_id = old.id if old is not None else draft.id or _new_id()
    return Record(track_id, draft.content_sha256, created, updated, (), new.body)


def _store_vector(steps: Transaction, one: OpenGeneration, slot: int, vector: bytes, *, known: bool = True) -> None:
    """Store a vector; the same one keeps its row, so that a change of the metadata leaves the index alone."""
    held = _held(steps, one, slot) if known else None
    if held is not None:
        if held[1:] == (checksum(vector), vector):
            return
        steps.db.execute(f"DELETE FROM {one.row.table} WHERE row = ?", held[:1])  # noqa: S608 - named by our number
    query = f"INSERT INTO {one.row.table} (slot, crc, vector) VALUES (?, ?, ?)"  # noqa: S608 - named by our number
    row = int(steps.db.execute(query, (slot, checksum(vector), vector)).lastrowid or 0)
    # The index lets the slot's former vector go in the same instant.
    steps.then += [lambda: one.index.add(row, slot, decode(vector)), lambda: one.hold(slot)]


def _drop_vector(steps: Transaction, one: OpenGeneration, slot: int) -> None:
    """Delete a track's vector where it has one."""
    held = _held(steps, one, slot)
    if held is not None:
        steps.db.execute(f"DELETE FROM {one.row.table} WHERE row = ?", held[:1])  # noqa: S608 - named by our number
        steps.then += [lambda: one.drop(slot), lambda: one.index.remove(held[0])]


def _held(steps: Transaction, one: OpenGeneration, slot: int) -> tuple[int, int, bytes] | None:
    """Row, checksum and bytes of a track's vector."""
    query = f"SELECT row, crc, vector FROM {one.row.table} WHERE slot = ?"  # noqa: S608 - named by our number
    found: tuple[int, int, bytes] | None = steps.db.execute(query, (slot,)).fetchone()
    return found


def _new_id() -> str:
    """Eighty random bits in hexadecimal: of a million ids, two are equal with probability 4e-13."""
    return secrets.token_hex(10)
