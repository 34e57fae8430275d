"""The file of jobs: order, pages, counts, retention, damage."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sonotype.catalog.jobs.book import JobBook
from sonotype.catalog.jobs.job import FileState, JobKind, JobRequest, JobState
from sonotype.catalog.jobs.rows import Listed, Outcome
from sonotype.catalog.jobs.store import JobStore
from sonotype.core.errors import Code, SonotypeError

ASKED = JobRequest(JobKind.INGEST, "music", "live", None, "ann")


def listed(*numbers: int) -> list[Listed]:
    return [Listed(number.to_bytes(8, "big"), f"{number}.wav") for number in numbers]


async def test_what_was_asked_and_what_became_of_it_is_there_again(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = await store.create(ASKED)
    assert (job.request, job.state, job.total, job.counts) == (ASKED, JobState.QUEUED, None, {})
    await store.start(job.id)
    await store.add_files(job.id, [*listed(3, 1), Listed(b"\xff", "pipe", state=FileState.SKIPPED, detail="A pipe.")])
    await store.add_files(job.id, listed(2, 1))
    assert (await store.all_listed(job.id)).total == 4
    first, second = await store.pending(job.id, b"", 2)
    assert [first.path, second.path] == ["1.wav", "2.wav"]
    await store.begin(job.id, second.place)
    await store.finish(job.id, first.place, Outcome(FileState.STORED, track="t1"))
    await store.aclose()

    store = JobStore(tmp_path)
    (again,) = await store.unended()
    assert again.counts == {FileState.STORED: 1, FileState.PENDING: 2, FileState.SKIPPED: 1}
    assert [(file.path, file.begun) for file in await store.pending(job.id, b"", 9)] == [
        ("2.wav", True),
        ("3.wav", False),
    ]
    ended = await store.end(job.id, JobState.FAILED, "No reason.")
    assert (ended.state, ended.error) == (JobState.FAILED, "No reason.")
    assert (await store.end(job.id, JobState.COMPLETED)).state is JobState.FAILED
    assert (await store.start(job.id)).state is JobState.FAILED
    await store.aclose()


async def test_pages(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = await store.create(ASKED)
    await store.add_files(job.id, listed(*range(10)))
    await store.all_listed(job.id)
    await store.finish(job.id, (4).to_bytes(8, "big"), Outcome(FileState.FAILED, code="undecodable", detail="Bad."))
    paths, cursor = [], None
    while True:
        files, cursor = await store.files(job.id, None, cursor, 3)
        paths += [file.path for file in files]
        if cursor is None:
            break
    assert paths == [f"{number}.wav" for number in range(10)]
    (bad,), end = await store.files(job.id, FileState.FAILED, None, 3)
    assert (bad.path, bad.code, bad.detail, end) == ("4.wav", "undecodable", "Bad.", None)
    for wrong in ("x", "-1g", "é"):
        with pytest.raises(SonotypeError) as refused:
            await store.files(job.id, None, wrong, 3)
        assert refused.value.code is Code.INVALID_REQUEST
        with pytest.raises(SonotypeError):
            await store.page(wrong, 3)
    assert await store.page("9" * 99, 3) == ([await store.get(job.id)], None)
    with pytest.raises(SonotypeError) as refused:
        await store.get("nobody")
    assert refused.value.code is Code.NOT_FOUND
    await store.aclose()


async def test_ended_jobs_are_forgotten_and_no_others(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    jobs = [await store.create(ASKED) for _ in range(5)]
    for job in jobs:
        await store.add_files(job.id, listed(1, 2))
        await store.all_listed(job.id)
    for job in jobs[1:]:
        await store.end(job.id, JobState.COMPLETED)
    await store.prune(keep=2)
    left, _ = await store.page(None, 10)
    assert [job.id for job in left] == [jobs[4].id, jobs[3].id, jobs[0].id]
    await store.prune(keep_s=0.0)
    assert [job.id for job in (await store.page(None, 10))[0]] == [jobs[0].id]
    await store.aclose()
    with sqlite3.connect(tmp_path / "jobs.db") as db:
        assert db.execute("SELECT count(*) FROM files").fetchone() == (2,)
    db.close()


def test_forgetting_a_large_job_takes_many_short_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sonotype.catalog.jobs.book._PRUNE_ROWS", 3)
    book = JobBook(tmp_path / "jobs.db")
    job = book.create(ASKED)
    book.add_files(job.id, listed(*range(7)))
    assert [book.sort_files(job.id) for _ in range(2)] == [False, True]
    book.end(job.id, JobState.CANCELLED, None)
    (seq,) = book.doomed(0, 1e9)
    assert [book.prune(seq) for _ in range(3)] == [False, False, True]
    book.close()


def test_a_job_that_was_stopped_while_it_looked_for_files_leaves_nothing(tmp_path: Path) -> None:
    book = JobBook(tmp_path / "jobs.db")
    job = book.create(ASKED)
    book.add_files(job.id, listed(*range(7)))
    book.end(job.id, JobState.CANCELLED, None)
    (seq,) = book.doomed(0, 1e9)
    assert book.prune(seq)
    book.close()
    with sqlite3.connect(tmp_path / "jobs.db") as db:
        assert db.execute("SELECT count(*) FROM found").fetchone() == (0,)
    db.close()


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    path.write_bytes(b"no database " * 1000)
    book = JobBook(path)
    assert book.unended() == []
    book.close()
    assert (tmp_path / "jobs.db.damaged").read_bytes().startswith(b"no database")
