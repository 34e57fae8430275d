"""Jobs on the REST face, and their events: ids, heartbeats, the end, and a client that leaves."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fakecatalog import BIRTH, QUEUED, FakeCatalog
from fakeplane import FakePlane

from sonotype.api import watch
from sonotype.api.http import schemas_jobs as schemas
from sonotype.api.http.events import event_id
from sonotype.api.watch import watched
from sonotype.catalog.jobs.job import FileState, Job, JobFile, JobKind, JobRequest, JobState
from sonotype.core.errors import Code, SonotypeError

RUNNING = replace(QUEUED, state=JobState.RUNNING, total=3, counts={FileState.PENDING: 2, FileState.STORED: 1})
ENDED = replace(
    RUNNING,
    state=JobState.COMPLETED_WITH_ERRORS,
    counts={FileState.STORED: 2, FileState.FAILED: 1},
    started_at=BIRTH,
    ended_at=BIRTH,
)


@pytest.fixture
def catalog(plane: FakePlane) -> FakeCatalog:
    plane.catalog.known_jobs["job1"] = QUEUED
    return plane.catalog


def detail(answer: httpx.Response, status: int = 400, code: str = "invalid_request") -> str:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    return str(body["detail"])


def parsed(text: str) -> list[dict[str, str]]:
    """Events as a browser reads them; comments and events without data are nothing to it."""
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.split("\n\n") if block]
    return [block for block in blocks if "data" in block]


# --- jobs


async def test_a_job_is_queued(client: httpx.AsyncClient, plane: FakePlane) -> None:
    body = {"kind": "ingest", "path": "jazz/list.csv", "collection": "vinyl"}
    answer = await client.post("/v1/jobs", json=body)
    assert (answer.status_code, answer.headers["location"]) == (202, "/v1/jobs/job1")
    job = schemas.JobStatus.model_validate(answer.json())
    assert (job.state, job.final, job.total, job.done) == (JobState.QUEUED, False, None, 0)
    assert plane.catalog.asked == [JobRequest(JobKind.INGEST, "jazz/list.csv", "vinyl")]
    assert (await client.get("/v1/jobs/job1")).json() == answer.json()


async def test_a_job_to_embed_anew(client: httpx.AsyncClient, plane: FakePlane) -> None:
    plane.keys = frozenset({"one"})
    headers = {"authorization": "Bearer one"}
    answer = await client.post("/v1/jobs", json={"kind": "reembed", "generation": "g"}, headers=headers)
    assert answer.status_code == 202
    assert plane.catalog.asked == [JobRequest(JobKind.REEMBED, generation="g", client="client-one")]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "kind"),
        ({"kind": "delete"}, "kind"),
        ({"kind": "reembed", "path": "jazz"}, "no path"),
        ({"kind": "ingest", "generation": "g"}, "no generation"),
        ({"kind": "ingest", "collection": "a/b"}, "collection"),
        ({"kind": "ingest", "root": "/etc"}, "root"),
        ({"kind": "ingest", "path": "x" * 10_240}, "path"),
        ([], "dictionary"),
    ],
)
async def test_bad_jobs(client: httpx.AsyncClient, catalog: FakeCatalog, body: Any, told: str) -> None:
    assert told in detail(await client.post("/v1/jobs", json=body))
    assert catalog.asked == []


async def test_a_path_outside_the_root(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    for path in ("../../etc", "/etc/passwd"):
        detail(await client.post("/v1/jobs", json={"kind": "ingest", "path": path}), 404, "not_found")
    catalog.error = SonotypeError(Code.FORBIDDEN, "This deployment takes no jobs.")
    detail(await client.post("/v1/jobs", json={"kind": "ingest"}), 403, "forbidden")


async def test_a_body_that_is_no_json(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    detail(await client.post("/v1/jobs", content=b"x", headers={"content-type": "text/csv"}), 415, "unsupported_format")
    detail(await client.post("/v1/jobs", content=b"{", headers={"content-type": "application/json"}))
    detail(await client.post("/v1/jobs?path=x", json={"kind": "ingest"}))


async def test_jobs_are_listed_newest_first(client: httpx.AsyncClient, plane: FakePlane) -> None:
    for _ in range(3):
        await client.post("/v1/jobs", json={"kind": "ingest"})
    first = schemas.JobsBody.model_validate((await client.get("/v1/jobs?limit=2")).json())
    rest = schemas.JobsBody.model_validate((await client.get(f"/v1/jobs?cursor={first.cursor}")).json())
    assert [job.id for job in (*first.jobs, *rest.jobs)] == ["job3", "job2", "job1"]
    assert rest.cursor is None
    detail(await client.get("/v1/jobs?cursor=nonsense"))
    detail(await client.get("/v1/jobs?limit=201"))


async def test_files_of_a_job(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    catalog.files = [
        JobFile("a.flac", FileState.STORED, "t0"),
        JobFile("b.flac", FileState.FAILED, None, "undecodable", "The audio cannot be decoded."),
    ]
    body = schemas.JobFilesBody.model_validate((await client.get("/v1/jobs/job1/files")).json())
    assert [file.path for file in body.files] == ["a.flac", "b.flac"]
    failed = (await client.get("/v1/jobs/job1/files?state=failed&limit=1")).json()
    assert [file["code"] for file in failed["files"]] == ["undecodable"]
    detail(await client.get("/v1/jobs/job1/files?state=lost"))
    detail(await client.get("/v1/jobs/nobody/files"), 404, "not_found")


async def test_cancel(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    body = schemas.JobStatus.model_validate((await client.post("/v1/jobs/job1/cancel")).json())
    assert (body.state, body.final) == (JobState.CANCELLED, True)
    detail(await client.post("/v1/jobs/job1/cancel"), 409, "conflict")
    detail(await client.post("/v1/jobs/nobody/cancel"), 404, "not_found")
    detail(await client.get("/v1/jobs/nobody"), 404, "not_found")


# --- events


async def test_events_end_with_the_final_state(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    catalog.moves = [QUEUED, RUNNING, RUNNING, ENDED]
    answer = await client.get("/v1/jobs/job1/events")
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith("retry: 2000\n\n")
    events = parsed(answer.text)
    # what says the same is said once
    assert [one["id"] for one in events] == [event_id(job) for job in (QUEUED, RUNNING, ENDED)]
    assert {one["event"] for one in events} == {"job"}
    told = [schemas.JobStatus.model_validate(json.loads(one["data"])) for one in events]
    assert [(job.state, job.done, job.final) for job in told] == [
        (JobState.QUEUED, 0, False),
        (JobState.RUNNING, 1, False),
        (JobState.COMPLETED_WITH_ERRORS, 3, True),
    ]
    assert catalog.n_watching == 0


async def test_who_comes_back_is_not_told_the_same_again(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    catalog.moves = [RUNNING, ENDED]
    answer = await client.get("/v1/jobs/job1/events", headers={"last-event-id": event_id(RUNNING)})
    assert [one["id"] for one in parsed(answer.text)] == [event_id(ENDED)]
    catalog.moves = [ENDED]
    answer = await client.get("/v1/jobs/job1/events", headers={"last-event-id": event_id(ENDED)})
    assert (answer.status_code, answer.content) == (204, b"")
    other = await client.get("/v1/jobs/job1/events", headers={"last-event-id": "nonsense"})
    assert [one["id"] for one in parsed(other.text)] == [event_id(ENDED)]


async def test_events_of_nothing(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    detail(await client.get("/v1/jobs/nobody/events"), 404, "not_found")
    detail(await client.get("/v1/jobs/job1/events?since=3"))


async def test_a_comment_says_that_we_are_there(
    port: int, catalog: FakeCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_S", 0.02)
    monkeypatch.setattr(watch, "HEARTBEAT_S", 0.04)
    catalog.moves = [RUNNING, None]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /v1/jobs/job1/events HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b"event: job"), 5)
    for _ in range(2):
        await asyncio.wait_for(reader.readuntil(b": still there\n\n"), 5)
    assert catalog.n_watching == 1
    writer.close()
    await asyncio.wait_for(catalog.left.wait(), 5)
    assert catalog.n_watching == 0


async def test_a_watcher_that_leaves_releases_everything(port: int, catalog: FakeCatalog) -> None:
    catalog.moves = [RUNNING, None]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /v1/jobs/job1/events HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b"event: job"), 5)
    writer.close()
    await asyncio.wait_for(catalog.left.wait(), 5)
    assert catalog.n_watching == 0


async def test_watching_does_not_hold_up_a_stop(
    client: httpx.AsyncClient, plane: FakePlane, catalog: FakeCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_S", 0.02)
    catalog.moves = [RUNNING, None]
    plane.draining = True
    answer = await asyncio.wait_for(client.get("/v1/jobs/job1/events"), 5)
    assert [one["id"] for one in parsed(answer.text)] == [event_id(RUNNING)]
    assert catalog.n_watching == 0


async def test_watched_can_be_closed_between_and_while_waiting(plane: FakePlane, catalog: FakeCatalog) -> None:
    catalog.moves = [RUNNING, None]
    jobs = watched(plane, "job1")
    assert await anext(jobs) == RUNNING
    await jobs.aclose()
    assert catalog.n_watching == 0
    jobs = watched(plane, "job1")
    seen: list[Job | None] = [await anext(jobs)]
    waiting = asyncio.ensure_future(anext(jobs))
    await asyncio.sleep(0.01)
    assert catalog.n_watching == 1
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert catalog.n_watching == 0
    assert seen == [RUNNING]
