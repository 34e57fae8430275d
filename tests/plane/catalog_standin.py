"""A catalogue in memory that compares with every track: the port of the catalogue in the fewest lines."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from sonotype.catalog.keys import album_key, artist_key, recording_keys
from sonotype.catalog.port import (
    EVERYTHING,
    Candidates,
    CatalogStatus,
    Found,
    Generation,
    Idempotency,
    Page,
    Range,
    Stored,
    TrackFilter,
)
from sonotype.catalog.track import Draft, Metadata, Track
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats

Row = tuple[Track, dict[str, Floats]]


@dataclass
class StandIn:
    """Keeps everything in dictionaries; `recalls` and `reason` say what the tests want."""

    recalls: float = 1.0
    recalls_asked: int = 0
    reason: str | None = None
    rows: dict[str, Row] = field(default_factory=dict)
    generations: dict[str, Generation] = field(default_factory=dict)
    searches: list[tuple[int, TrackFilter, bool]] = field(default_factory=list)
    done: dict[tuple[str, str], tuple[str, Stored]] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    away: bool = False

    async def put(
        self, draft: Draft, idempotency: Idempotency | None = None, *, seen: datetime | None = None
    ) -> Stored:
        if idempotency is not None:
            key = (idempotency.client, idempotency.key)
            known = self.done.get(key)
            if known is not None and known[0] != idempotency.request_sha256:
                raise SonotypeError(Code.IDEMPOTENCY_MISMATCH, "The key was used for another request.")
            if known is not None:
                return replace(known[1], replayed=True)
        for name, vector in draft.vectors.items():
            assert vector.shape == (self.generations[name].dim,)
            assert np.isfinite(vector).all()
        track_id = draft.id or self._meant(draft) or f"t{next(self.numbers)}"
        old = self.rows.get(track_id)
        if seen is not None and (old is None or old[0].updated_at != seen):
            raise SonotypeError(Code.CONFLICT, "The track was changed or deleted meanwhile.")
        same = old is not None and old[0].content_sha256 == draft.content_sha256 is not None
        kept = old[1] if old is not None and same else {}
        vectors = {**kept, **{name: _unit(vector) for name, vector in draft.vectors.items()}}
        now = datetime.now(UTC)
        track = Track(
            track_id, draft.metadata, draft.content_sha256, draft.labels, draft.evidence, tuple(vectors), draft.source,
            old[0].created_at if old else now, now,
        )  # fmt: skip
        self.rows[track_id] = (track, vectors)
        stored = Stored(track, old is None)
        if idempotency is not None:
            self.done[key] = (idempotency.request_sha256, stored)
        return stored

    def _meant(self, draft: Draft) -> str | None:
        for track, _ in self.rows.values():
            if track.metadata.collection != draft.metadata.collection:
                continue
            external = draft.metadata.external_id
            if track.metadata.external_id == external and (external or track.content_sha256 == draft.content_sha256):
                return track.id
        return None

    async def get(self, track_id: str) -> Track:
        if track_id not in self.rows:
            raise SonotypeError(Code.NOT_FOUND, "There is no such track.")
        return self.rows[track_id][0]

    async def find(self, collection: str, external_id: str) -> Track | None:
        wanted = (collection, external_id)
        tracks = (track for track, _ in self.rows.values())
        return next((t for t in tracks if (t.metadata.collection, t.metadata.external_id) == wanted), None)

    async def get_many(self, track_ids: Sequence[str]) -> list[Track]:
        return [self.rows[track_id][0] for track_id in track_ids if track_id in self.rows]

    async def delete(self, track_id: str) -> None:
        await self.get(track_id)
        del self.rows[track_id]

    async def list(self, where: TrackFilter, cursor: str | None, limit: int) -> Page:
        tracks = [track for track, _ in self.rows.values() if passes(track, where)]
        begin = int(cursor or 0)
        more = begin + limit < len(tracks)
        return Page(tuple(tracks[begin : begin + limit]), str(begin + limit) if more else None)

    async def vectors(self, track_ids: Sequence[str], generation: str | None = None) -> dict[str, Floats]:
        name = self._name(generation)
        return {i: self.rows[i][1][name] for i in track_ids if i in self.rows and name in self.rows[i][1]}

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
        name = self._name(generation)
        self.searches.append((count, where, exact))
        rows = [
            (track, vectors[name])
            for track, vectors in self.rows.values()
            if name in vectors and track.id not in exclude and passes(track, where)
        ]
        rows = sorted(rows, key=lambda row: -float(row[1] @ _unit(vector)))[:count]
        dim = self.generations[name].dim
        near = np.array([v for _, v in rows], np.float32).reshape(-1, dim)
        tracks = [track for track, _ in rows]
        sample = self._sample(name)
        cosines = near @ sample.T if len(sample) else np.zeros((len(rows), 1))
        keys = [recording_keys(t.content_sha256, t.metadata.mbid, t.metadata.isrc) for t in tracks]
        candidates = Candidates(
            ids=tuple(track.id for track in tracks),
            similarity=near @ _unit(vector),
            vectors=near,
            artist=np.array([artist_key(t.metadata) for t in tracks], np.uint64),
            album=np.array([album_key(t.metadata) for t in tracks], np.uint64),
            recording=np.array(keys, np.uint64).reshape(-1, 3),
            neighbour_mean=cosines.mean(axis=1).astype(np.float32),
            neighbour_std=cosines.std(axis=1).astype(np.float32),
        )
        return Found(candidates, name, True, self.reason is not None, sample)

    async def carriers(
        self, *, tag: str | None = None, label: str | None = None, prototype: str | None = None, limit: int = 512
    ) -> Floats:
        name = self._name(None)
        found = [
            vectors[name]
            for track, vectors in self.rows.values()
            if name in vectors
            and (
                tag in track.metadata.tags
                or label in {it.label for it in track.labels}
                or prototype in {it.prototype for it in track.evidence}
            )
        ]
        return np.array(found[:limit], np.float32).reshape(-1, self.generations[name].dim)

    async def centre(self) -> Floats:
        name = self._name(None)
        sample = self._sample(name)
        return sample.mean(axis=0) if len(sample) else np.zeros(self.generations[name].dim, np.float32)

    async def add_generation(self, embedding: str, name: str, model_sha256: str, dim: int) -> Generation:
        first = not self.generations
        made = Generation(name, embedding, model_sha256, dim, "ready", 0, first)
        return self.generations.setdefault(name, made)

    async def promote(self, generation: str) -> Generation:
        self.generations = {n: replace(g, current=n == generation) for n, g in self.generations.items()}
        return self.generations[generation]

    async def drop_generation(self, generation: str) -> None:
        del self.generations[generation]

    async def stale(self, generation: str) -> AsyncIterator[Track]:
        for track, vectors in list(self.rows.values()):
            if generation not in vectors:
                yield track

    async def put_vector(self, track_id: str, generation: str, vector: Floats, content_sha256: str | None) -> bool:
        if track_id not in self.rows or self.rows[track_id][0].content_sha256 != content_sha256:
            return False
        track, vectors = self.rows[track_id]
        vectors[generation] = _unit(vector)
        self.rows[track_id] = (replace(track, generations=tuple(vectors)), vectors)
        return True

    async def recall(self, generation: str, sample: int = 200, count: int = 10) -> float:
        self.recalls_asked += 1
        return self.recalls

    async def status(self) -> CatalogStatus:
        if self.away:
            raise SonotypeError(Code.UNAVAILABLE, "The engine does not answer.")
        counted = [
            replace(g, tracks=sum(n in vectors for _, vectors in self.rows.values()), degraded=self.reason)
            for n, g in self.generations.items()
        ]
        stale = len(self.rows) - next(g.tracks for g in counted if g.current)
        return CatalogStatus("stand-in", len(self.rows), stale, tuple(reversed(counted)), True, None)

    async def aclose(self) -> None:
        self.away = True

    def _name(self, generation: str | None) -> str:
        return generation or next(g.name for g in self.generations.values() if g.current)

    def _sample(self, name: str) -> Floats:
        vectors = [vectors[name] for _, vectors in self.rows.values() if name in vectors]
        return np.array(vectors if len(vectors) >= 64 else [], np.float32).reshape(-1, self.generations[name].dim)


def passes(track: Track, where: TrackFilter) -> bool:
    """Whether a track is what a filter lets through."""
    data = track.metadata
    return (
        (not where.collections or data.collection in where.collections)
        and _one_of(data.artist, where.artists)
        and _one_of(data.album, where.albums)
        and set(where.tags) <= set(data.tags)
        and (not where.any_tags or bool(set(where.any_tags) & set(data.tags)))
        and set(where.labels) <= {it.label for it in track.labels}
        and all(_within(getattr(data, name), getattr(where, name)) for name in ("year", "duration_s", "tempo_bpm"))
    )


def _one_of(name: str | None, names: Sequence[str]) -> bool:
    return not names or (name or "").casefold() in {other.casefold() for other in names}


def _within(value: float | None, span: Range | None) -> bool:
    if span is None:
        return True
    low, high = span.low if span.low is not None else -np.inf, span.high if span.high is not None else np.inf
    return value is not None and low <= value <= high


def _unit(vector: Floats) -> Floats:
    return (np.asarray(vector, np.float64) / np.linalg.norm(np.asarray(vector, np.float64))).astype(np.float32)


def metadata(**fields: object) -> Metadata:
    """Metadata of some fields."""
    return Metadata(**fields)  # type: ignore[arg-type]
