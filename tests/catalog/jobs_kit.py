"""What the tests of jobs share: a catalogue that is a text file, tags from a table, and a short way to run a job."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sonotype.catalog.jobs.job import FileState, Job, JobFile, JobKind, JobRequest
from sonotype.catalog.jobs.store import JobStore
from sonotype.catalog.port import Stored
from sonotype.catalog.track import Track
from sonotype.core.types import Upload
from sonotype.plane.catalog.ingest.files import Reading
from sonotype.plane.catalog.ingest.rooted import Root
from sonotype.plane.catalog.ingest.runner import Runner, Running
from sonotype.plane.catalog.values import Submission

MAX_BYTES = 1 << 20


class FakeTarget:
    """A catalogue that appends what it stores to a file before it answers, and knows it again after a crash.

    Args:
        path: the file.
        delay_s: how long storing takes.
        before: called with the submission before it is stored; may raise.
    """

    def __init__(self, path: Path, delay_s: float = 0.0, before: Callable[[Submission], None] | None = None) -> None:
        self.path = path
        self.delay_s = delay_s
        self.before = before
        self.puts: list[Submission] = []
        self.tracks: list[Track] = []
        self.again: list[str] = []
        self.at_once = self.most_at_once = 0

    def stored(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    async def unchanged(self, submission: Submission, content_sha256: str) -> str | None:
        wanted = (submission.metadata.collection, submission.metadata.external_id, content_sha256)
        rows = ((row["collection"], row["external_id"], row["sha256"]) for row in self.stored())
        return f"track-{submission.metadata.external_id}" if wanted in rows else None

    async def put_track(self, submission: Submission, upload: Upload | None = None) -> Stored:
        assert upload is not None
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.delay_s)
            if self.before is not None:
                self.before(submission)
        finally:
            self.at_once -= 1
        self.puts.append(submission)
        metadata = submission.metadata
        row = {"collection": metadata.collection, "external_id": metadata.external_id, "sha256": upload.sha256}
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return Stored(track(f"track-{metadata.external_id}", submission, upload.sha256), created=True)

    async def stale(self, generation: str | None) -> AsyncIterator[Track]:
        for one in self.tracks:
            yield one

    async def embed_again(self, track_id: str, generation: str | None, upload: Upload) -> bool:
        self.again.append(track_id)
        return not track_id.startswith("gone")


class FakeTags:
    """Tags by the content of the file."""

    def __init__(self, table: Mapping[bytes, Mapping[str, Any] | None] | None = None) -> None:
        self._table = table or {}

    async def read(self, data: bytes) -> Mapping[str, Any] | None:
        return self._table.get(data, {})


def track(id_: str, submission: Submission, sha256: str | None) -> Track:
    now = datetime.now(UTC)
    return Track(id_, submission.metadata, sha256, (), (), (), submission.source, now, now)


def runner(
    store: JobStore,
    target: FakeTarget,
    root: Path,
    *,
    tags: FakeTags | None = None,
    concurrency: int = 4,
    away_s: float = 0.0,
    prefix: str = "",
) -> Runner:
    reading = Reading(Root(root), MAX_BYTES, prefix=prefix, away_s=away_s)
    return Runner(store, target, tags or FakeTags(), Running(reading, str(root), concurrency), again=target)


async def ingest(
    tmp_path: Path, root: Path, path: str = "", target: FakeTarget | None = None, **options: Any
) -> tuple[Job, dict[str, JobFile], FakeTarget]:
    """Run one job from its beginning to its end: the job, its files by path, and where they went."""
    store = JobStore(tmp_path / "jobs")
    target = target or FakeTarget(tmp_path / "stored.jsonl")
    try:
        job = await store.create(JobRequest(JobKind.INGEST, path))
        ended = await runner(store, target, root, **options).run(job.id)
        files, cursor = await store.files(job.id, None, None, 10_000)
        assert cursor is None
        return ended, {file.path: file for file in files}, target
    finally:
        await store.aclose()


def old(path: Path) -> Path:
    """Written long ago, so that nobody watches whether it still grows."""
    os.utime(path, (1_600_000_000, 1_600_000_000), follow_symlinks=False)
    return path


def fill(root: Path, names: list[str]) -> None:
    """Files, each with content of its own."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"sound of {name}".encode())
        old(path)


def states(files: Mapping[str, JobFile]) -> dict[str, FileState]:
    return {path: file.state for path, file in files.items()}
