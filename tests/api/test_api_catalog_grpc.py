"""What is special to the gRPC face of the catalogue: streams, presence of fields, watching, cancelling."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import numpy as np
import pytest
from conftest import LIMIT_BYTES
from fakecatalog import BIRTH, QUEUED, FakeCatalog
from fakeplane import FakePlane
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from sonotype.api import watch
from sonotype.api.grpc.gen import catalog_pb2 as cat
from sonotype.api.grpc.gen.catalog_pb2_grpc import CatalogStub
from sonotype.catalog.jobs.job import FileState, JobState
from sonotype.catalog.track import Metadata
from sonotype.core.errors import TABLE, Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import Upload
from sonotype.plane.catalog.values import Seed, SimilarQuery

IDLE_S = 2.0
RUNNING = replace(QUEUED, state=JobState.RUNNING, total=3, counts={FileState.STORED: 1, FileState.PENDING: 2})
ENDED = replace(RUNNING, state=JobState.COMPLETED, counts={FileState.STORED: 3}, started_at=BIRTH, ended_at=BIRTH)


@pytest.fixture
def settings() -> Settings:
    """Patient: only one test is about a client that stalls."""
    return Settings(max_upload_bytes=LIMIT_BYTES, upload_idle_timeout_s=IDLE_S, port=0, grpc_port=0)


@pytest.fixture
def rpc(channel: grpc.aio.Channel) -> CatalogStub:
    return CatalogStub(channel)


@pytest.fixture
def catalog(plane: FakePlane) -> FakeCatalog:
    plane.catalog.known_jobs["job1"] = QUEUED
    return plane.catalog


def put(options: cat.PutTrackOptions, *chunks: bytes) -> Any:
    return iter([cat.PutTrackRequest(options=options), *(cat.PutTrackRequest(chunk=chunk) for chunk in chunks)])


def asked(options: cat.SimilarOptions, *chunks: bytes) -> Any:
    return iter([cat.SimilarRequest(options=options), *(cat.SimilarRequest(chunk=chunk) for chunk in chunks)])


async def refused(call: Any) -> tuple[str, str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    code = dict(caught.value.trailing_metadata() or ()).get("sonotype-code")
    return caught.value.code().name, str(code), str(caught.value.details())


# --- streams


async def test_chunks_become_the_upload(rpc: CatalogStub, catalog: FakeCatalog, plane: FakePlane) -> None:
    answer = await rpc.PutTrack(put(cat.PutTrackOptions(id="a"), b"RI", b"", b"FF"))
    assert catalog.puts[0][1] == Upload.of(b"RIFF")
    assert (answer.track.id, answer.created, answer.replayed) == ("a", True, False)
    assert answer.track.created_at.ToDatetime(BIRTH.tzinfo) == catalog.stored["a"].created_at
    assert plane.held_bytes == 0


async def test_an_embedding_needs_no_chunks(rpc: CatalogStub, catalog: FakeCatalog) -> None:
    await rpc.PutTrack(put(cat.PutTrackOptions(embedding=[1, 2, 3, 4], embedding_of="fake@vector")))
    submission, upload = catalog.puts[0]
    assert upload is None
    np.testing.assert_array_equal(submission.embedding, np.float32([1, 2, 3, 4]))
    assert (submission.id, submission.idempotency_key, submission.metadata) == (None, None, Metadata())


async def test_an_empty_file_is_an_upload_all_the_same(rpc: CatalogStub, catalog: FakeCatalog) -> None:
    for chunks in ((), (b"",)):
        await rpc.PutTrack(put(cat.PutTrackOptions(id="a"), *chunks))
    assert [upload for _, upload in catalog.puts] == [Upload.of(b"")] * 2


async def test_audio_and_embedding_are_too_much(rpc: CatalogStub) -> None:
    call = rpc.PutTrack(put(cat.PutTrackOptions(embedding=[1, 2, 3, 4]), b"RIFF"))
    assert "exactly one" in (await refused(call))[2]


async def test_options_come_first_and_once(rpc: CatalogStub) -> None:
    wrong: list[list[cat.PutTrackRequest]] = [
        [],
        [cat.PutTrackRequest(chunk=b"RIFF")],
        [cat.PutTrackRequest(options=cat.PutTrackOptions())] * 2,
    ]
    for messages in wrong:
        assert (await refused(rpc.PutTrack(iter(messages))))[:2] == ("INVALID_ARGUMENT", "invalid_request")


async def test_an_upload_is_cut_at_the_limit(rpc: CatalogStub, plane: FakePlane, catalog: FakeCatalog) -> None:
    for call in (
        rpc.PutTrack(put(cat.PutTrackOptions(), bytes(LIMIT_BYTES), b"x")),
        rpc.Similar(asked(cat.SimilarOptions(), bytes(LIMIT_BYTES), b"x")),
    ):
        assert (await refused(call))[1] == "upload_too_large"
    assert plane.held_bytes == 0
    assert catalog.puts == catalog.asked == []


async def test_a_stalled_upload_is_let_go(rpc: CatalogStub) -> None:
    async def stalled() -> AsyncIterator[cat.PutTrackRequest]:
        yield cat.PutTrackRequest(options=cat.PutTrackOptions())
        await asyncio.Event().wait()

    assert (await refused(rpc.PutTrack(stalled())))[1] == "upload_timeout"


async def test_a_bad_question_is_refused_before_its_upload(rpc: CatalogStub) -> None:
    async def endless() -> AsyncIterator[cat.SimilarRequest]:
        yield cat.SimilarRequest(options=cat.SimilarOptions(k=501))
        await asyncio.Event().wait()

    assert "k" in (await refused(rpc.Similar(endless())))[2]


async def test_an_upload_without_seeds_is_the_seed(rpc: CatalogStub, catalog: FakeCatalog) -> None:
    await rpc.PutTrack(put(cat.PutTrackOptions(id="a"), b"RIFF"))
    answer = await rpc.Similar(asked(cat.SimilarOptions(), b"RIFF"))
    assert catalog.asked == [(SimilarQuery((Seed(upload=True),)), Upload.of(b"RIFF"))]
    assert answer.matches[0].similarity == pytest.approx(1)


# --- values


async def test_absent_is_not_empty(rpc: CatalogStub, catalog: FakeCatalog) -> None:
    metadata = cat.TrackMetadata(title="", year=0, extra_json='{"stars": 5, "deep": [1.5, null]}')
    assert "year" in (await refused(rpc.PutTrack(put(cat.PutTrackOptions(metadata=metadata), b"x"))))[2]
    metadata.ClearField("year")
    answer = await rpc.PutTrack(put(cat.PutTrackOptions(metadata=metadata), b"x"))
    assert catalog.stored["t0"].metadata == Metadata(extra={"stars": 5, "deep": [1.5, None]})
    assert answer.track.metadata.extra_json == metadata.extra_json
    assert not answer.track.metadata.HasField("title")
    assert not answer.track.HasField("source")


@pytest.mark.parametrize("text", ["[1]", "{", '{"x": NaN}', '{"x": 1e999}', '"' + "x" * 9000 + '"'])
async def test_bad_extra(rpc: CatalogStub, catalog: FakeCatalog, text: str) -> None:
    metadata = cat.TrackMetadata(extra_json=text)
    status, code, said = await refused(rpc.PutTrack(put(cat.PutTrackOptions(metadata=metadata), b"x")))
    assert (status, code) == ("INVALID_ARGUMENT", "invalid_request")
    assert "extra" in said
    assert catalog.stored == {}


async def test_unknown_numbers_of_enums_are_refused(rpc: CatalogStub, catalog: FakeCatalog) -> None:
    calls = [
        rpc.PutTrack(put(cat.PutTrackOptions(lane=9), b"x")),  # type: ignore[arg-type]
        rpc.Similar(asked(cat.SimilarOptions(hubness=9), b"x")),  # type: ignore[arg-type]
        rpc.MakePlaylist(cat.MakePlaylistRequest(order=9)),  # type: ignore[arg-type]
        rpc.CreateJob(cat.CreateJobRequest(kind=9)),  # type: ignore[arg-type]
        rpc.ListJobFiles(cat.ListJobFilesRequest(id="job1", state=9)),  # type: ignore[arg-type]
    ]
    for call in calls:
        assert (await refused(call))[1] == "invalid_request"


async def test_deadlines_reach_the_plane(rpc: CatalogStub, catalog: FakeCatalog) -> None:
    await rpc.PutTrack(put(cat.PutTrackOptions(timeout_s=50), b"x"), timeout=30)
    timeout_s = catalog.puts[0][0].timeout_s
    assert timeout_s is not None
    assert 0 < timeout_s < 30.01


# --- watching


async def test_watching_ends_with_the_final_state(rpc: CatalogStub, catalog: FakeCatalog) -> None:
    catalog.moves = [QUEUED, RUNNING, ENDED]
    seen = [job async for job in rpc.WatchJob(cat.WatchJobRequest(id="job1"))]
    assert [(job.state, job.final, job.done) for job in seen] == [
        (cat.JOB_STATE_QUEUED, False, 0),
        (cat.JOB_STATE_RUNNING, False, 1),
        (cat.JOB_STATE_COMPLETED, True, 3),
    ]
    assert not seen[0].HasField("total")
    assert seen[2].counts.stored == 3
    assert catalog.n_watching == 0


async def test_a_watcher_that_cancels_releases_everything(rpc: CatalogStub, catalog: FakeCatalog) -> None:
    catalog.moves = [RUNNING, None]
    call = rpc.WatchJob(cat.WatchJobRequest(id="job1"))
    assert (await call.read()).state == cat.JOB_STATE_RUNNING
    assert catalog.n_watching == 1
    call.cancel()
    await asyncio.wait_for(catalog.left.wait(), 5)
    assert catalog.n_watching == 0


async def test_watching_nothing_and_while_stopping(
    rpc: CatalogStub, plane: FakePlane, catalog: FakeCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await refused(rpc.WatchJob(cat.WatchJobRequest(id="nobody")).read()))[1] == "not_found"
    monkeypatch.setattr(watch, "LOOK_S", 0.02)
    catalog.moves = [RUNNING, None]
    plane.draining = True
    call = rpc.WatchJob(cat.WatchJobRequest(id="job1"))
    await call.read()
    assert (await refused(call.read()))[:2] == ("UNAVAILABLE", "draining")
    assert catalog.n_watching == 0


# --- errors, keys, health, reflection


@pytest.mark.parametrize("code", list(Code))
async def test_every_code(rpc: CatalogStub, catalog: FakeCatalog, code: Code) -> None:
    catalog.error = SonotypeError(code, "What went wrong.")
    for call in (rpc.GetTrack(cat.GetTrackRequest(id="a")), rpc.PutTrack(put(cat.PutTrackOptions(), b"x"))):
        assert await refused(call) == (TABLE[code].grpc, code, "What went wrong.")


async def test_every_method_needs_a_key(rpc: CatalogStub, plane: FakePlane) -> None:
    plane.keys = frozenset({"one"})
    names = [method.name for method in cat.DESCRIPTOR.services_by_name["Catalog"].methods]
    streams = {"PutTrack": put(cat.PutTrackOptions(), b"x"), "Similar": asked(cat.SimilarOptions(), b"x")}
    for method in cat.DESCRIPTOR.services_by_name["Catalog"].methods:
        made = streams.get(method.name) or getattr(cat, method.input_type.name)()
        call = getattr(rpc, method.name)(made)
        assert (await refused(call.read() if method.name == "WatchJob" else call))[1] == "unauthenticated", method.name
    assert len(names) == 17
    await rpc.GetCatalog(cat.GetCatalogRequest(), metadata=[("x-api-key", "one")])


async def test_a_cancelled_call_cancels_the_work(rpc: CatalogStub, plane: FakePlane, catalog: FakeCatalog) -> None:
    catalog.hold = True
    call = rpc.PutTrack(put(cat.PutTrackOptions(), b"RIFF"))
    await asyncio.wait_for(catalog.started.wait(), 5)
    call.cancel()
    await asyncio.wait_for(catalog.left.wait(), 5)
    await asyncio.sleep(0)
    assert plane.held_bytes == 0


async def test_a_file_that_is_there_need_not_be_sent(rpc: CatalogStub) -> None:
    await rpc.PutTrack(put(cat.PutTrackOptions(id="a"), b"RIFF"))
    sha256 = hashlib.sha256(b"RIFF").hexdigest()
    assert (await rpc.CheckTrack(cat.CheckTrackRequest(id="a", content_sha256=sha256))).id == "a"
    other = await rpc.CheckTrack(cat.CheckTrackRequest(id="a", content_sha256="0" * 64))
    assert not other.HasField("id")
    call = rpc.CheckTrack(cat.CheckTrackRequest(id="a", content_sha256="?"))
    assert (await refused(call))[:2] == ("INVALID_ARGUMENT", "invalid_request")


async def test_health_and_reflection_know_the_service(channel: grpc.aio.Channel) -> None:
    request = health_pb2.HealthCheckRequest(service="sonotype.v1.Catalog")
    status = (await health_pb2_grpc.HealthStub(channel).Check(request)).status
    assert status == health_pb2.HealthCheckResponse.SERVING
    wish = reflection_pb2.ServerReflectionRequest(file_containing_symbol="sonotype.v1.Catalog")
    call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([wish]))
    answer = await call.read()
    assert b"FindPathRequest" in answer.file_descriptor_response.file_descriptor_proto[0]
