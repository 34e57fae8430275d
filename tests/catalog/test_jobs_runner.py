"""A job goes on where it stopped, waits where it must, stops when told, and costs nothing for what is known."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from hashlib import sha256
from pathlib import Path

import jobs_child
import pytest
from jobs_kit import FakeTags, FakeTarget, fill, ingest, old, runner, states, track

from sonotype.catalog.jobs.job import FileState, JobKind, JobRequest, JobState
from sonotype.catalog.jobs.rows import Listed
from sonotype.catalog.jobs.store import JobStore
from sonotype.catalog.track import Metadata
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog.ingest import patience
from sonotype.plane.catalog.ingest.desk import JobDesk
from sonotype.plane.catalog.ingest.patience import PausedError, pause_s
from sonotype.plane.catalog.ingest.rooted import Root
from sonotype.plane.catalog.ingest.walk import walk
from sonotype.plane.catalog.values import Submission

NAMES = [f"album {number % 7}/track {number:03}.wav" for number in range(60)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


@contextlib.asynccontextmanager
async def opened(tmp_path: Path):  # noqa: ANN201
    store = JobStore(tmp_path / "jobs")
    try:
        yield store
    finally:
        await store.aclose()


@pytest.mark.chaos
async def test_killed_twice_and_every_file_once(tmp_path: Path, root: Path) -> None:
    fill(root, NAMES)
    async with opened(tmp_path) as store:
        job = await store.create(JobRequest(JobKind.INGEST))
    chance = random.Random(5)
    for least in (8, 25):
        killed = start(tmp_path, root, 0.02)
        while len(FakeTarget(tmp_path / "stored.jsonl").stored()) < least:
            assert killed.poll() is None
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.03))
        killed.send_signal(signal.SIGKILL)
        assert killed.wait(20) == -signal.SIGKILL
    assert start(tmp_path, root, 0.0).wait(60) == 0
    async with opened(tmp_path) as store:
        ended = await store.get(job.id)
        files, _ = await store.files(job.id, None, None, 1000)
    assert ended.state is JobState.COMPLETED
    assert ended.counts == {FileState.STORED: len(NAMES)}
    assert sorted(file.path for file in files) == [file.path for file in files] == sorted(NAMES)
    counts = Counter(row["external_id"] for row in FakeTarget(tmp_path / "stored.jsonl").stored())
    assert counts == dict.fromkeys(NAMES, 1)
    assert not list((tmp_path / "jobs").glob("*.lock"))


async def test_a_second_run_computes_nothing(tmp_path: Path, root: Path) -> None:
    fill(root, NAMES[:10])
    await ingest(tmp_path, root)
    (root / NAMES[0]).write_bytes(b"another sound")
    old(root / NAMES[0])
    job, files, target = await ingest(tmp_path, root)
    assert job.counts == {FileState.STORED: 1, FileState.UNCHANGED: 9}
    assert files[NAMES[0]].state is FileState.STORED
    assert len(target.puts) == 1
    assert files[NAMES[1]].track == f"track-{NAMES[1]}"


async def test_so_many_at_once_in_the_bulk_lane(tmp_path: Path, root: Path) -> None:
    fill(root, NAMES[:12])
    _, _, target = await ingest(
        tmp_path, root, target=FakeTarget(tmp_path / "s", 0.01), concurrency=3, prefix="/far/music/"
    )
    assert target.most_at_once == 3
    assert {(put.lane, put.is_job) for put in target.puts} == {("bulk", True)}
    assert {put.metadata.external_id for put in target.puts} == {f"/far/music/{name}" for name in NAMES[:12]}


async def test_busy_is_waited_for_and_bad_is_told(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST_S", 0.001)
    fill(root, NAMES[:8])
    refusals = iter([Code.OVERLOADED, Code.RATE_LIMITED, Code.OVERLOADED, Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED])

    def refuse(submission: Submission) -> None:
        if submission.metadata.external_id == sorted(NAMES[:8])[3]:
            raise SonotypeError(Code.UNDECODABLE, "The audio cannot be decoded.")
        if submission.metadata.external_id == sorted(NAMES[:8])[4]:
            raise ValueError("a bug")
        if (code := next(refusals, None)) is not None:
            raise SonotypeError(code, "Not now.")

    target = FakeTarget(tmp_path / "s", before=refuse)
    job, files, _ = await ingest(tmp_path, root, target=target, away_s=30)
    assert job.state is JobState.COMPLETED_WITH_ERRORS
    assert job.counts == {FileState.STORED: 6, FileState.FAILED: 2}
    bad = [files[name] for name in sorted(NAMES[:8])[3:5]]
    assert [(file.code, file.detail) for file in bad] == [
        ("undecodable", "The audio cannot be decoded."),
        ("internal", "Something went wrong on our side."),
    ]


@pytest.mark.parametrize("code", [Code.INSUFFICIENT_STORAGE, Code.UNAUTHENTICATED, Code.UNAVAILABLE])
async def test_where_nothing_can_be_stored_the_job_waits_for_better_days(
    tmp_path: Path, root: Path, code: Code
) -> None:
    fill(root, NAMES[:8])
    stored: list[str | None] = []

    def refuse(submission: Submission) -> None:
        if len(stored) == 3:
            raise SonotypeError(code, "No more.")
        stored.append(submission.metadata.external_id)

    async with opened(tmp_path) as store:
        job = await store.create(JobRequest(JobKind.INGEST))
        target = FakeTarget(tmp_path / "s", before=refuse)
        with pytest.raises(PausedError) as paused:
            await runner(store, target, root).run(job.id)
        assert paused.value.error.code is code
        assert (await store.get(job.id)).state is JobState.RUNNING
        stored.clear()
        target.before = None
        ended = await runner(store, target, root).run(job.id)
        assert ended.counts == {FileState.STORED: 8}
        assert len(target.stored()) == 8


async def test_cancel_within_a_second(tmp_path: Path, root: Path) -> None:
    fill(root, NAMES)
    async with opened(tmp_path) as store:
        job = await store.create(JobRequest(JobKind.INGEST))
        target = FakeTarget(tmp_path / "s", 0.05)
        work = asyncio.create_task(runner(store, target, root).run(job.id))
        while len(target.puts) < 5:
            await asyncio.sleep(0.01)
        await store.cancel(job.id)
        ended = await asyncio.wait_for(work, 5)
        assert ended.state is JobState.CANCELLED
        stored = len(target.puts)
        assert 5 <= stored < len(NAMES)
        await asyncio.sleep(0.1)
        assert len(target.puts) == stored, "something went on"
        with pytest.raises(SonotypeError, match="ended"):
            await store.cancel(job.id)
        assert (await runner(store, target, root).run(job.id)).state is JobState.CANCELLED


async def test_one_process_at_a_time(tmp_path: Path, root: Path) -> None:
    fill(root, NAMES[:2])
    async with opened(tmp_path) as store, opened(tmp_path) as other:
        job = await store.create(JobRequest(JobKind.INGEST))
        with store.held(job.id), pytest.raises(SonotypeError) as refused:
            await runner(other, FakeTarget(tmp_path / "s"), root).run(job.id)
        assert refused.value.code is Code.CONFLICT
        assert (await runner(other, FakeTarget(tmp_path / "s"), root).run(job.id)).state is JobState.COMPLETED


async def test_embed_again_what_still_is_what_it_was(tmp_path: Path, root: Path) -> None:
    fill(root, ["same.wav", "other.wav", "gone.wav", "odd\n.wav"])
    target = FakeTarget(tmp_path / "s")

    def stale(id_: str, source: str | None, content: bytes = b"") -> None:
        submission = Submission(Metadata(), source=source)
        target.tracks.append(track(id_, submission, sha256(content).hexdigest()))

    stale("same", "same.wav", b"sound of same.wav")
    stale("odd", "odd\\n.wav", b"sound of odd\n.wav")
    stale("other", "other.wav", b"what it was")
    stale("missing", "missing.wav")
    stale("uploaded", None)
    stale("gone", "gone.wav", b"sound of gone.wav")
    stale("evil", "../../etc/passwd")
    async with opened(tmp_path) as store:
        job = await store.create(JobRequest(JobKind.REEMBED))
        ended = await runner(store, target, root).run(job.id)
        files, _ = await store.files(job.id, None, None, 100)
    assert ended.state is JobState.COMPLETED_WITH_ERRORS
    assert states({file.path: file for file in files}) == {
        "same.wav": FileState.STORED,
        "odd\\n.wav": FileState.STORED,
        "other.wav": FileState.SKIPPED,
        "missing.wav": FileState.FAILED,
        "track uploaded": FileState.SKIPPED,
        "gone.wav": FileState.SKIPPED,
        "../../etc/passwd": FileState.FAILED,
    }
    assert sorted(target.again) == ["gone", "odd", "same"]


async def test_a_listing_that_was_cut_off_begins_anew(tmp_path: Path, root: Path) -> None:
    fill(root, NAMES[:3])
    async with opened(tmp_path) as store:
        job = await store.create(JobRequest(JobKind.INGEST))
        await store.start(job.id)
        await store.add_files(job.id, [Listed(b"deleted since.wav", "deleted since.wav", "")])
        ended = await runner(store, FakeTarget(tmp_path / "s"), root).run(job.id)
        assert (ended.total, ended.counts) == (3, {FileState.STORED: 3})


async def test_the_desk_takes_up_what_a_dead_process_left(tmp_path: Path, root: Path) -> None:
    fill(root, NAMES[:6])
    target = FakeTarget(tmp_path / "s", 0.01)
    async with opened(tmp_path) as store:
        left = await store.create(JobRequest(JobKind.INGEST, "album 1"))
        await store.start(left.id)
        desk = JobDesk(store, target, FakeTags(), root=root, concurrency=2, max_bytes=1 << 20)
        desk.start()
        created = await desk.create_job(JobRequest(JobKind.INGEST, collection="all"))
        seen = [job async for job in desk.watch_job(created.id)]
        assert seen[-1].state is JobState.COMPLETED
        assert seen[-1].counts == {FileState.STORED: 6}
        assert (await desk.job(left.id)).counts == {FileState.STORED: 1}
        newest, cursor = await desk.jobs(None, 1)
        assert [job.id for job in newest] == [created.id]
        assert [job.id for job in (await desk.jobs(cursor, 10))[0]] == [left.id]
        await desk.aclose()


@pytest.mark.parametrize(
    ("path", "code"),
    [("../x", Code.FORBIDDEN), ("/etc", Code.FORBIDDEN), ("nothing", Code.NOT_FOUND), ("link", Code.INVALID_REQUEST)],
)
async def test_the_desk_refuses_a_path_at_once(tmp_path: Path, root: Path, path: str, code: Code) -> None:
    (root / "link").symlink_to("/etc")
    async with opened(tmp_path) as store:
        desk = JobDesk(store, FakeTarget(tmp_path / "s"), FakeTags(), root=root, concurrency=2, max_bytes=1)
        with pytest.raises(SonotypeError) as refused:
            await desk.create_job(JobRequest(JobKind.INGEST, path))
        assert refused.value.code is code
        with pytest.raises(SonotypeError) as refused:
            await JobDesk(
                store, FakeTarget(tmp_path / "s"), FakeTags(), root=None, concurrency=2, max_bytes=1
            ).create_job(JobRequest(JobKind.INGEST))
        assert refused.value.code is Code.FORBIDDEN
        assert await store.unended() == []


async def test_the_desk_waits_after_a_pause_and_cancels_what_waits(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sonotype.plane.catalog.ingest.desk._AGAIN_S", 0.05)
    fill(root, NAMES[:2])
    refusals = iter([Code.INSUFFICIENT_STORAGE] * 2)

    def refuse(_: Submission) -> None:
        if (code := next(refusals, None)) is not None:
            raise SonotypeError(code, "The disk is too full.")

    async with opened(tmp_path) as store:
        desk = JobDesk(
            store, FakeTarget(tmp_path / "s", before=refuse), FakeTags(), root=root, concurrency=1, max_bytes=1 << 20
        )
        first = await desk.create_job(JobRequest(JobKind.INGEST))
        second = await desk.create_job(JobRequest(JobKind.INGEST))
        assert (await desk.cancel_job(second.id)).state is JobState.CANCELLED
        desk.start()
        seen = [job async for job in desk.watch_job(first.id)]
        assert seen[-1].state is JobState.COMPLETED
        await desk.aclose()


async def test_the_desk_outlives_a_fault(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sonotype.plane.catalog.ingest.desk._AGAIN_S", 0.05)
    fill(root, NAMES[:1])
    async with opened(tmp_path) as store:
        faults = iter([RuntimeError("a fault of ours")])
        prune = store.prune

        async def prune_or_fail() -> None:
            if (fault := next(faults, None)) is not None:
                raise fault
            await prune()

        monkeypatch.setattr(store, "prune", prune_or_fail)
        desk = JobDesk(store, FakeTarget(tmp_path / "s"), FakeTags(), root=root, concurrency=1, max_bytes=1 << 20)
        desk.start()
        job = await desk.create_job(JobRequest(JobKind.INGEST))
        async with asyncio.timeout(20):
            seen = [job async for job in desk.watch_job(job.id)]
        assert seen[-1].state is JobState.COMPLETED
        await desk.aclose()


def test_a_walk_holds_nothing(tmp_path: Path) -> None:
    """A generator over a flat folder: what it holds does not grow with the folder."""
    for number in range(3000):
        (tmp_path / f"{number:05}-{'x' * 200}.wav").touch()
    tracemalloc.start()
    seen = sum(1 for listed in walk(Root(tmp_path), "") if listed is not None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seen == 3000
    assert peak < 300_000, "a list of the names alone is larger"


def test_pauses_grow_and_heed_what_was_asked() -> None:
    assert all(0.125 <= pause_s(1, None) <= 0.25 for _ in range(50))
    assert all(15 <= pause_s(100, None) <= 30 for _ in range(50))
    assert pause_s(1, 45.0) == 45.0


def start(folder: Path, root: Path, delay_s: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, jobs_child.__file__, str(folder), str(root), str(delay_s)])
