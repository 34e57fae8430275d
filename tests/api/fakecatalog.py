"""A catalogue in memory behind the faces: it holds requests against the real limits, and ranks by brute force."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from sonotype.catalog.jobs.job import FileState, Job, JobFile, JobKind, JobRequest, JobState
from sonotype.catalog.port import CatalogStatus, Generation, Page, Range, Stored, TrackFilter
from sonotype.catalog.ranking.values import SharedLabel, SharedPrototype, Why
from sonotype.catalog.track import Metadata, Track, TrackEvidence, TrackLabel
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats, Upload
from sonotype.plane.catalog import limits
from sonotype.plane.catalog.check_query import check_path, check_playlist, check_similar, checked_filter
from sonotype.plane.catalog.check_track import checked, checked_vector
from sonotype.plane.catalog.values import Match, Matches, PathQuery, PlaylistQuery, Seed, SimilarQuery, Submission

DIM = 4
BIRTH = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
CURRENT = Generation("fake@1.vector.0123456789ab", "fake@vector", "01" * 32, DIM, "ready", 0, current=True)
NEXT = Generation("fake@2.vector.ba9876543210", "fake@vector", "02" * 32, DIM, "building", 0, False, "being rebuilt")
LABELS = (TrackLabel("fake@1", "rock", 0.912345678), TrackLabel("fake@1", "guitar", 0.5))
EVIDENCE = (TrackEvidence("pecmae@1", "pecmae.cello.0", "cello", 1.20444444),)
WHY = Why(
    tags=("jazz",),
    labels=(SharedLabel("fake@1", "rock", 0.912345678, 0.4),),
    prototypes=(SharedPrototype("pecmae.cello.0", "pecmae@1", "cello", 1.2, 0.60000004, 0.5),),
    same=("artist", "album"),
    similarity=0.87654321,
    sentence="Both are by Miles Davis and tagged jazz.",
)
QUEUED = Job("job1", JobRequest(JobKind.INGEST, "jazz"), JobState.QUEUED, None, {}, None, BIRTH, None, None)


def vector(text: str) -> Floats:
    """A unit vector that depends on nothing but the text."""
    seed = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)
    values = np.random.default_rng(seed).standard_normal(DIM)
    return np.asarray(values / np.linalg.norm(values), dtype=np.float32)


class FakeCatalog:
    """Implements `plane.catalog.port.CatalogPlane`."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.puts: list[tuple[Submission, Upload | None]] = []
        self.asked: list[object] = []
        self.stored: dict[str, Track] = {}
        self.vectors: dict[str, Floats] = {}
        self.keys: dict[tuple[str | None, str], tuple[str, Stored]] = {}
        self.known_jobs: dict[str, Job] = {}
        self.files: list[JobFile] = []
        # what a watcher sees, one after the other; None waits for ever
        self.moves: list[Job | None] = []
        self.n_watching = 0
        self.hold = False
        self.started = asyncio.Event()
        self.left = asyncio.Event()

    # --- tracks

    async def put_track(self, submission: Submission, upload: Upload | None = None) -> Stored:
        self.puts.append((submission, upload))
        await self._work()
        clean = checked(submission, has_upload=upload is not None)
        values = vector(upload.sha256) if upload else checked_vector(_given(clean.embedding), DIM)
        said = f"{clean.id}{clean.metadata}{upload and upload.sha256}{values.tolist()}"
        known = self.keys.get((clean.client, clean.idempotency_key or ""))
        if known is not None:
            if known[0] != said:
                raise SonotypeError(Code.IDEMPOTENCY_MISMATCH, "This key was used for another request.")
            return replace(known[1], replayed=True)
        stored = self._keep(clean, values, upload)
        if clean.idempotency_key is not None:
            self.keys[clean.client, clean.idempotency_key] = (said, stored)
        return stored

    async def unchanged(self, submission: Submission, content_sha256: str) -> str | None:
        await self._work()
        clean = checked(submission, has_upload=True)
        for track in self.stored.values():
            mine = track.id == clean.id if clean.id else _key(track.metadata) == _key(clean.metadata)
            if mine and track.content_sha256 == content_sha256:
                self.stored[track.id] = replace(track, metadata=clean.metadata)
                return track.id
        return None

    def _keep(self, clean: Submission, values: Floats, upload: Upload | None) -> Stored:
        same = [
            t.id
            for t in self.stored.values()
            if clean.metadata.external_id and _key(t.metadata) == _key(clean.metadata)
        ]
        track_id = clean.id or (same[0] if same else f"t{len(self.stored)}")
        created = track_id not in self.stored
        at = BIRTH + timedelta(seconds=len(self.puts))
        born = at if created else self.stored[track_id].created_at
        sha256 = upload and upload.sha256
        kept = Track(track_id, clean.metadata, sha256, LABELS, EVIDENCE, (CURRENT.name,), clean.source, born, at)
        self.stored[track_id] = kept
        self.vectors[track_id] = values / np.linalg.norm(values)
        return Stored(kept, created)

    async def track(self, track_id: str) -> Track:
        await self._work()
        if track_id not in self.stored:
            raise SonotypeError(Code.NOT_FOUND, "There is no such track.")
        return self.stored[track_id]

    async def delete_track(self, track_id: str) -> None:
        await self.track(track_id)
        del self.stored[track_id], self.vectors[track_id]

    async def tracks(self, where: TrackFilter, cursor: str | None, limit: int) -> Page:
        self.asked.append((where, cursor, limit))
        await self._work()
        limits.check_limit(limit)
        start = _start(cursor)
        where = checked_filter(where)
        fit = [track for track in self.stored.values() if _fits(track, where)]
        more = f"c{start + limit}" if start + limit < len(fit) else None
        return Page(tuple(fit[start : start + limit]), more)

    # --- similarity

    async def similar(self, query: SimilarQuery, upload: Upload | None = None) -> Matches:
        self.asked.append((query, upload))
        await self._work()
        check_similar(query, has_upload=upload is not None)
        wanted = np.zeros(DIM, dtype=np.float32)
        for seed in query.seeds:
            wanted += np.float32(seed.weight) * await self._seed(seed, upload)
        where = checked_filter(query.where)
        left_out = {seed.track for seed in query.seeds} | set(query.constraints.exclude)
        fit = [t for t in self.stored.values() if t.id not in left_out and _fits(t, where)]
        ranked = sorted(fit, key=lambda track: -float(self.vectors[track.id] @ wanted))[: query.k]
        return self._matches(ranked, wanted, query)

    async def _seed(self, seed: Seed, upload: Upload | None) -> Floats:
        if seed.track is not None:
            await self.track(seed.track)
            return self.vectors[seed.track]
        if seed.embedding is not None:
            return checked_vector(seed.embedding, DIM)
        if upload is not None and seed.upload:
            return vector(upload.sha256)
        return vector(f"{seed.tag}{seed.prototype}")

    def _matches(self, ranked: list[Track], wanted: Floats, query: SimilarQuery) -> Matches:
        length = float(np.linalg.norm(wanted))
        near = [float(self.vectors[track.id] @ wanted) / length for track in ranked]
        why = WHY if query.why else None
        found = tuple(Match(track, value, (1 + value) / 2, why) for track, value in zip(ranked, near, strict=True))
        short = None if len(found) == query.k else "The filter leaves fewer tracks."
        return Matches(found, CURRENT.name, query.exact, degraded=False, hubness=query.hubness, short_because=short)

    async def why(self, track_a: str, track_b: str) -> Why:
        await self.track(track_a)
        await self.track(track_b)
        return WHY

    async def path(self, query: PathQuery) -> Matches:
        self.asked.append(query)
        await self._work()
        check_path(query)
        ends = [await self.track(query.start), await self.track(query.end)]
        found = tuple(Match(track, 0.5, 0.25) for track in ends)
        return Matches(found, CURRENT.name, exact=False, degraded=True, hubness="none")

    async def playlist(self, query: PlaylistQuery) -> Matches:
        self.asked.append(query)
        await self._work()
        check_playlist(query)
        for seed in query.seeds:
            await self._seed(seed, None)
        found = tuple(Match(track, 1.0, 1.0) for track in list(self.stored.values())[: query.count])
        return Matches(found, CURRENT.name, exact=False, degraded=False, hubness="mutual_proximity")

    # --- the whole

    async def status(self) -> CatalogStatus:
        await self._work()
        return CatalogStatus("embedded", len(self.stored), 0, (NEXT, CURRENT), writable=True, bytes=4096)

    async def promote(self, generation: str) -> Generation:
        await self._work()
        if generation == NEXT.name:
            raise SonotypeError(Code.CONFLICT, "Its recall is 0.812, below 0.95.")
        if generation != CURRENT.name:
            raise SonotypeError(Code.NOT_FOUND, "There is no such generation.")
        return CURRENT

    # --- jobs

    async def create_job(self, request: JobRequest) -> Job:
        self.asked.append(request)
        await self._work()
        if ".." in request.path.split("/") or request.path.startswith("/"):
            raise SonotypeError(Code.NOT_FOUND, "There is no such path below the ingest root.")
        job = replace(QUEUED, id=f"job{len(self.known_jobs) + 1}", request=request)
        self.known_jobs[job.id] = job
        return job

    async def job(self, job_id: str) -> Job:
        await self._work()
        if job_id not in self.known_jobs:
            raise SonotypeError(Code.NOT_FOUND, "There is no such job.")
        return self.known_jobs[job_id]

    async def jobs(self, cursor: str | None, limit: int) -> tuple[list[Job], str | None]:
        await self._work()
        start = _start(cursor)
        newest = list(self.known_jobs.values())[::-1]
        return newest[start : start + limit], f"c{start + limit}" if start + limit < len(newest) else None

    async def job_files(
        self, job_id: str, state: FileState | None, cursor: str | None, limit: int
    ) -> tuple[list[JobFile], str | None]:
        await self.job(job_id)
        start = _start(cursor)
        fit = [file for file in self.files if state in (None, file.state)]
        return fit[start : start + limit], f"c{start + limit}" if start + limit < len(fit) else None

    async def cancel_job(self, job_id: str) -> Job:
        job = await self.job(job_id)
        if job.ended_at is not None:
            raise SonotypeError(Code.CONFLICT, "This job has ended.")
        self.known_jobs[job_id] = replace(job, state=JobState.CANCELLED, ended_at=BIRTH)
        return self.known_jobs[job_id]

    async def watch_job(self, job_id: str) -> AsyncIterator[Job]:
        await self.job(job_id)
        self.n_watching += 1
        self.started.set()
        try:
            for job in self.moves:
                if job is None:
                    await asyncio.Event().wait()
                else:
                    yield job
        finally:
            self.n_watching -= 1
            self.left.set()

    async def _work(self) -> None:
        self.started.set()
        if self.error is not None:
            raise self.error
        if self.hold:
            try:
                await asyncio.Event().wait()
            finally:
                self.left.set()


def _given(values: Floats | None) -> Floats:
    assert values is not None
    return values


def _key(metadata: Metadata) -> tuple[str, str | None]:
    return metadata.collection, metadata.external_id


def _start(cursor: str | None) -> int:
    limits.check_cursor(cursor)
    if cursor is None:
        return 0
    if not cursor.startswith("c") or not cursor[1:].isdecimal():
        raise SonotypeError(Code.INVALID_REQUEST, "The cursor is not one of ours.")
    return int(cursor[1:])


def _fits(track: Track, where: TrackFilter) -> bool:
    metadata = track.metadata
    within: list[tuple[Range | None, float | None]] = [
        (where.year, metadata.year),
        (where.duration_s, metadata.duration_s),
        (where.tempo_bpm, metadata.tempo_bpm),
    ]
    return (
        (not where.collections or metadata.collection in where.collections)
        and (not where.artists or metadata.artist in where.artists)
        and set(where.tags) <= set(metadata.tags)
        and all(span is None or _inside(span, value) for span, value in within)
    )


def _inside(span: Range, value: float | None) -> bool:
    if value is None:
        return False
    return (span.low is None or value >= span.low) and (span.high is None or value <= span.high)
