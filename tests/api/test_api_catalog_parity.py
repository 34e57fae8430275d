"""REST and gRPC say the same of the catalogue: same questions to the plane, same answers, same refusals."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from fakecatalog import CURRENT, NEXT, FakeCatalog
from fakeplane import FakePlane
from google.protobuf.json_format import MessageToDict

from sonotype.api.grpc.enums import FILE_STATES, HUBNESS, JOB_KINDS, JOB_STATES, ORDERS
from sonotype.api.grpc.gen import catalog_pb2 as cat
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen.catalog_pb2_grpc import CatalogStub
from sonotype.catalog.jobs.job import FileState, JobFile, JobKind, JobState
from sonotype.plane.catalog.values import PathQuery, PlaylistQuery

NAN, INFINITY = float("nan"), float("inf")
DATA = b"RIFF of sorts"
FILE = {"file": ("x.wav", DATA)}
METADATA: dict[str, Any] = {
    "collection": "vinyl",
    "external_id": "jazz/01.flac",
    "title": "So What",
    "artist": "Miles Davis",
    "album": "Kind of Blue",
    "year": 1959,
    "duration_s": 562.5,
    "tempo_bpm": 136.0,
    "mbid": "8F3471B5-7e6a-48da-86a9-c1c07a0f47ae",
    "isrc": "US-SM1-59-00113",
    "tags": ["Jazz", "modal", "jazz"],
}
EXTRA = {"stars": 5, "path": "/music/ä.flac", "deep": {"x": [1.5, None, True]}}


@pytest.fixture
def rpc(channel: grpc.aio.Channel) -> CatalogStub:
    return CatalogStub(channel)


@pytest.fixture
async def catalog(plane: FakePlane, client: httpx.AsyncClient) -> FakeCatalog:
    for number, name in enumerate("abc"):
        body = {"metadata": METADATA | {"external_id": name, "extra": EXTRA}, "embedding": [1, number, 0, 0.5]}
        assert (await client.put(f"/v1/tracks/{name}", json=body)).status_code == 201
    await client.post("/v1/jobs", json={"kind": "ingest", "path": "jazz"})
    plane.catalog.files = [JobFile("b.flac", FileState.FAILED, None, "undecodable", "It cannot be decoded.")]
    plane.catalog.puts.clear()
    plane.catalog.asked.clear()
    return plane.catalog


def put(rpc: CatalogStub, chunks: tuple[bytes, ...] = (), **options: Any) -> Any:
    first = cat.PutTrackRequest(options=cat.PutTrackOptions(**options))
    return rpc.PutTrack(iter([first, *(cat.PutTrackRequest(chunk=chunk) for chunk in chunks)]))


def similar(rpc: CatalogStub, chunks: tuple[bytes, ...] = (), **options: Any) -> Any:
    first = cat.SimilarRequest(options=cat.SimilarOptions(**options))
    return rpc.Similar(iter([first, *(cat.SimilarRequest(chunk=chunk) for chunk in chunks)]))


def as_json(message: Any) -> Any:
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def same(rest: Any, rpc: Any) -> None:
    """Equal but for what JSON and protobuf write differently: null and absent, 64-bit numbers, words and enums."""
    if isinstance(rest, dict):
        for name, value in rest.items():
            if name == "extra":
                assert json.loads(rpc["extra_json"] or "{}") == value
            elif name not in ("url", "request_id"):
                told = rpc.get(name)
                assert not (value is None and told not in (None, "")), name
                if value is not None:
                    same(value, told)
        assert set(rpc) <= {*rest, "extra_json", "labels", "evidence"}
    elif isinstance(rest, list):
        assert len(rest) == len(rpc)
        for theirs, ours in zip(rest, rpc, strict=True):
            same(theirs, ours)
    elif isinstance(rest, bool):
        assert rest == rpc
    elif isinstance(rest, int | float):
        assert float(rpc) == pytest.approx(rest, abs=1e-6)
    elif rest != rpc:
        assert rpc.endswith(f"_{rest.upper()}"), (rest, rpc)


def values(question: Any) -> Any:
    """A question to the plane in a form that can be compared: arrays in it have no truth value."""
    if dataclasses.is_dataclass(question) and not isinstance(question, type):
        fields = dataclasses.fields(question)
        return type(question).__name__, {field.name: values(getattr(question, field.name)) for field in fields}
    if isinstance(question, np.ndarray):
        return question.dtype.name, question.tolist()
    if isinstance(question, tuple | list):
        return [values(part) for part in question]
    return question


# --- the same questions and answers


@pytest.mark.parametrize("upload", [True, False])
async def test_put_is_the_same(client: httpx.AsyncClient, rpc: CatalogStub, catalog: FakeCatalog, upload: bool) -> None:
    told = cat.TrackMetadata(**METADATA, extra_json=json.dumps(EXTRA))
    metadata = METADATA | {"extra": EXTRA}
    key = {"idempotency-key": "k"}
    if upload:
        form = FILE | {"metadata": (None, json.dumps(metadata))}
        rest = await client.put("/v1/tracks/x?lane=bulk", files=form, headers=key)
        answer = await put(rpc, (DATA[:4], DATA[4:]), id="x", metadata=told, idempotency_key="k", lane=pb.LANE_BULK)
    else:
        body = {"metadata": metadata, "embedding": [1, 0.1, 0, 0.25], "embedding_of": "fake@vector"}
        rest = await client.put("/v1/tracks/x", json=body, headers=key)
        answer = await put(
            rpc,
            id="x",
            metadata=told,
            embedding=[1, 0.1, 0, 0.25],
            embedding_of="fake@vector",
            idempotency_key="k",
        )
    (rest_sent, rest_upload), (rpc_sent, rpc_upload) = catalog.puts
    assert values(rest_sent) == values(rpc_sent)
    assert rest_upload == rpc_upload
    assert (answer.created, answer.replayed) == (True, True)
    same(rest.json(), as_json(answer.track))
    again = await client.get("/v1/tracks/x")
    same(again.json(), as_json(await rpc.GetTrack(cat.GetTrackRequest(id="x"))))


async def test_lists_are_the_same(client: httpx.AsyncClient, rpc: CatalogStub, catalog: FakeCatalog) -> None:
    params = {"collection": "vinyl", "tag": ["jazz"], "label": "rock", "year_min": 1950, "duration_max_s": 600.5}
    where = cat.TrackFilter(collections=["vinyl"], tags=["jazz"], labels=["rock"], year_min=1950, duration_max_s=600.5)
    rest = (await client.get("/v1/tracks", params=params | {"limit": 2})).json()
    answer = await rpc.ListTracks(cat.ListTracksRequest(filter=where, limit=2))
    same(rest, as_json(answer))
    assert len(answer.tracks) == 2
    rest = (await client.get("/v1/tracks", params=params | {"cursor": rest["cursor"]})).json()
    answer = await rpc.ListTracks(cat.ListTracksRequest(filter=where, cursor=answer.cursor))
    same(rest, as_json(answer))
    assert catalog.asked[0] == catalog.asked[1]
    assert catalog.asked[2] == catalog.asked[3]


async def test_similar_is_the_same(client: httpx.AsyncClient, rpc: CatalogStub, catalog: FakeCatalog) -> None:
    body = {
        "seeds": [
            {"track": "a", "weight": 0.5},
            {"embedding": [1, 0.1, 0, 0]},
            {"tag": "jazz", "weight": -0.25},
            {"prototype": "pecmae.cello.0"},
            {"upload": True},
        ],
        "k": 2,
        "filter": {"artist": ["Miles Davis"], "any_tag": ["jazz"], "tempo_min_bpm": 100.5},
        "constraints": {"max_per_artist": 2, "exclude": ["c"], "tempo_within": 0.25, "hide_duplicates": True},
        "diversity": 0.5,
        "hubness": "none",
        "why": True,
        "exact": True,
        "lane": "bulk",
    }
    rest = await client.post("/v1/similar", files=FILE | {"query": (None, json.dumps(body))})
    answer = await similar(
        rpc,
        (DATA,),
        seeds=[
            cat.Seed(track="a", weight=0.5),
            cat.Seed(embedding=cat.Vector(values=[1, 0.1, 0, 0])),
            cat.Seed(tag="jazz", weight=-0.25),
            cat.Seed(prototype="pecmae.cello.0"),
            cat.Seed(upload=True),
        ],
        k=2,
        filter=cat.TrackFilter(artists=["Miles Davis"], any_tags=["jazz"], tempo_min_bpm=100.5),
        constraints=cat.Constraints(max_per_artist=2, exclude=["c"], tempo_within=0.25, hide_duplicates=True),
        diversity=0.5,
        hubness=cat.HUBNESS_NONE,
        why=True,
        exact=True,
        lane=pb.LANE_BULK,
    )
    assert rest.status_code == 200, rest.text
    assert values(catalog.asked[0]) == values(catalog.asked[1])
    assert len(answer.matches) == 1
    same(rest.json(), as_json(answer))


async def test_defaults_are_the_same(client: httpx.AsyncClient, rpc: CatalogStub, catalog: FakeCatalog) -> None:
    await client.get("/v1/tracks/a/similar")
    await client.post("/v1/similar", json={"seeds": [{"track": "a"}]})
    await similar(rpc, seeds=[cat.Seed(track="a")])
    await client.get("/v1/tracks/a/path/b")
    await rpc.FindPath(cat.FindPathRequest(start="a", end="b"))
    await client.post("/v1/playlists", json={"seeds": [{"track": "a"}]})
    await rpc.MakePlaylist(cat.MakePlaylistRequest(seeds=[cat.Seed(track="a")]))
    await client.get("/v1/tracks")
    await rpc.ListTracks(cat.ListTracksRequest())
    a, b, c, d, e, f, g, h, i = catalog.asked
    assert a == b == c
    assert d == e
    assert f == g
    assert h == i


async def test_the_rest_is_the_same(client: httpx.AsyncClient, rpc: CatalogStub, catalog: FakeCatalog) -> None:
    constraints = {"max_per_album": 1, "duration_within": 0.5}
    playlist = {
        "seeds": [{"track": "a"}],
        "count": 2,
        "constraints": constraints,
        "diversity": 0.25,
        "order": "random",
        "artist_gap": 0,
        "include_seeds": False,
        "random_seed": 3,
    }
    playlist_request = cat.MakePlaylistRequest(
        seeds=[cat.Seed(track="a")],
        count=2,
        constraints=cat.Constraints(**constraints),
        diversity=0.25,
        order=cat.PLAYLIST_ORDER_RANDOM,
        artist_gap=0,
        include_seeds=False,
        random_seed=3,
    )
    path = cat.FindPathRequest(start="a", end="b", count=5, constraints=cat.Constraints(**constraints))
    pairs: list[tuple[Any, Any]] = [
        (client.get("/v1/tracks/a/similar/b/why"), rpc.ExplainMatch(cat.ExplainMatchRequest(track_a="a", track_b="b"))),
        (client.get("/v1/tracks/a/path/b", params={"count": 5} | constraints), rpc.FindPath(path)),
        (client.post("/v1/playlists", json=playlist), rpc.MakePlaylist(playlist_request)),
        (client.get("/v1/catalog"), rpc.GetCatalog(cat.GetCatalogRequest())),
        (
            client.post(f"/v1/catalog/generations/{CURRENT.name}/promote"),
            rpc.PromoteGeneration(cat.PromoteGenerationRequest(name=CURRENT.name)),
        ),
        (client.get("/v1/jobs"), rpc.ListJobs(cat.ListJobsRequest())),
        (client.get("/v1/jobs/job1"), rpc.GetJob(cat.GetJobRequest(id="job1"))),
        (
            client.get("/v1/jobs/job1/files?state=failed"),
            rpc.ListJobFiles(cat.ListJobFilesRequest(id="job1", state=cat.FILE_STATE_FAILED)),
        ),
    ]
    for rest, call in pairs:
        same((await rest).json(), as_json(await call))
    for kind in (PathQuery, PlaylistQuery):
        one, other = (question for question in catalog.asked if isinstance(question, kind))
        assert one == other


async def test_jobs_are_the_same(client: httpx.AsyncClient, rpc: CatalogStub, catalog: FakeCatalog) -> None:
    rest = (await client.post("/v1/jobs", json={"kind": "ingest", "path": "x.m3u", "collection": "v"})).json()
    made = await rpc.CreateJob(cat.CreateJobRequest(kind=cat.JOB_KIND_INGEST, path="x.m3u", collection="v"))
    same(rest | {"id": made.id}, as_json(made))
    await client.post("/v1/jobs", json={"kind": "reembed", "generation": "g"})
    await rpc.CreateJob(cat.CreateJobRequest(kind=cat.JOB_KIND_REEMBED, generation="g"))
    a, b, c, d = catalog.asked
    assert (a, c) == (b, d)
    rest = (await client.post(f"/v1/jobs/{rest['id']}/cancel")).json()
    ours = await rpc.CancelJob(cat.CancelJobRequest(id=made.id))
    same(rest | {"id": made.id}, as_json(ours))


async def test_deleting_is_the_same(client: httpx.AsyncClient, rpc: CatalogStub, catalog: FakeCatalog) -> None:
    assert (await client.delete("/v1/tracks/a")).status_code == 204
    await rpc.DeleteTrack(cat.DeleteTrackRequest(id="b"))
    assert list(catalog.stored) == ["c"]


# --- the same refusals


def put_wrong(body: dict[str, Any], **options: Any) -> tuple[Any, Any]:
    raw = json.dumps(body)
    headers = {"content-type": "application/json"}
    return (lambda c: c.put("/v1/tracks/x", content=raw, headers=headers)), (lambda r: put(r, id="x", **options))


def put_metadata(**metadata: Any) -> tuple[Any, Any]:
    body = {"metadata": metadata, "embedding": [1, 2, 3, 4]}
    return put_wrong(body, metadata=cat.TrackMetadata(**metadata), embedding=[1, 2, 3, 4])


def similar_wrong(**body: Any) -> tuple[Any, Any]:
    seed = {"seeds": [{"track": "a"}]}
    return (lambda c: c.post("/v1/similar", json=seed | body)), (
        lambda r: similar(r, seeds=[cat.Seed(track="a")], **body)
    )


def nobody(path: str, call: Callable[[CatalogStub], Any], method: str = "GET") -> tuple[Any, Any]:
    return (lambda c: c.request(method, path)), call


LONG = "x" * 10_240
CASES: list[tuple[str, tuple[Any, Any]]] = [
    # code, and the two ways to provoke it
    ("not_found", nobody("/v1/tracks/nobody", lambda r: r.GetTrack(cat.GetTrackRequest(id="nobody")))),
    ("not_found", nobody("/v1/tracks/x", lambda r: r.DeleteTrack(cat.DeleteTrackRequest(id="x")), "DELETE")),
    ("not_found", nobody("/v1/tracks/x/similar", lambda r: similar(r, seeds=[cat.Seed(track="x")]))),
    (
        "not_found",
        nobody(
            "/v1/tracks/x/similar/a/why", lambda r: r.ExplainMatch(cat.ExplainMatchRequest(track_a="x", track_b="a"))
        ),
    ),
    ("not_found", nobody("/v1/tracks/x/path/a", lambda r: r.FindPath(cat.FindPathRequest(start="x", end="a")))),
    ("invalid_request", nobody("/v1/tracks/a/path/a", lambda r: r.FindPath(cat.FindPathRequest(start="a", end="a")))),
    (
        "invalid_request",
        nobody("/v1/tracks/a/path/b?count=1", lambda r: r.FindPath(cat.FindPathRequest(start="a", end="b", count=1))),
    ),
    ("not_found", nobody("/v1/jobs/x", lambda r: r.GetJob(cat.GetJobRequest(id="x")))),
    ("not_found", nobody("/v1/jobs/x/files", lambda r: r.ListJobFiles(cat.ListJobFilesRequest(id="x")))),
    ("not_found", nobody("/v1/jobs/x/events", lambda r: r.WatchJob(cat.WatchJobRequest(id="x")).read())),
    ("not_found", nobody("/v1/jobs/x/cancel", lambda r: r.CancelJob(cat.CancelJobRequest(id="x")), "POST")),
    (
        "conflict",
        nobody(
            f"/v1/catalog/generations/{NEXT.name}/promote",
            lambda r: r.PromoteGeneration(cat.PromoteGenerationRequest(name=NEXT.name)),
            "POST",
        ),
    ),
    ("invalid_request", nobody("/v1/tracks?limit=201", lambda r: r.ListTracks(cat.ListTracksRequest(limit=201)))),
    ("invalid_request", nobody("/v1/tracks?limit=0", lambda r: r.ListTracks(cat.ListTracksRequest(limit=0)))),
    ("invalid_request", nobody("/v1/tracks?cursor=no", lambda r: r.ListTracks(cat.ListTracksRequest(cursor="no")))),
    ("invalid_request", nobody("/v1/jobs?cursor=no", lambda r: r.ListJobs(cat.ListJobsRequest(cursor="no")))),
    (
        "invalid_request",
        nobody(
            "/v1/tracks?year_min=9&year_max=8",
            lambda r: r.ListTracks(cat.ListTracksRequest(filter=cat.TrackFilter(year_min=9, year_max=8))),
        ),
    ),
    (
        "invalid_request",
        (
            lambda c: c.put("/v1/tracks/a%20b", json={"embedding": [1, 2, 3, 4]}),
            lambda r: put(r, id="a b", embedding=[1, 2, 3, 4]),
        ),
    ),
    (
        "invalid_request",
        (
            lambda c: c.put("/v1/tracks/x", json={"embedding": [1, 2, 3, 4]}, headers={"idempotency-key": "x" * 256}),
            lambda r: put(r, id="x", embedding=[1, 2, 3, 4], idempotency_key="x" * 256),
        ),
    ),
    ("invalid_request", put_wrong({"embedding": [1, 2, 3]}, embedding=[1, 2, 3])),
    ("invalid_request", put_wrong({"embedding": [0, 0, 0, 0]}, embedding=[0, 0, 0, 0])),
    ("invalid_request", put_wrong({"embedding": [NAN, 0, 0, 0]}, embedding=[NAN, 0, 0, 0])),
    ("invalid_request", put_wrong({"embedding": [INFINITY, 0, 0, 0]}, embedding=[INFINITY, 0, 0, 0])),
    ("invalid_request", put_metadata(title=LONG)),
    ("invalid_request", put_metadata(artist="nul\0")),
    ("invalid_request", put_metadata(collection="a/b")),
    ("invalid_request", put_metadata(tags=["x"] * 65)),
    ("invalid_request", put_metadata(tags=["x" * 65])),
    ("invalid_request", put_metadata(year=10_000)),
    ("invalid_request", put_metadata(duration_s=-1.0)),
    ("invalid_request", put_metadata(duration_s=NAN)),
    ("invalid_request", put_metadata(tempo_bpm=INFINITY)),
    ("invalid_request", put_metadata(mbid="nonsense")),
    ("invalid_request", put_metadata(isrc="nonsense")),
    ("invalid_request", similar_wrong(k=0)),
    ("invalid_request", similar_wrong(k=501)),
    ("invalid_request", similar_wrong(diversity=1.5)),
    ("invalid_request", similar_wrong(timeout_s=0)),
    ("invalid_request", similar_wrong(constraints={"max_per_artist": 0})),
    ("invalid_request", similar_wrong(constraints={"tempo_within": 11.0})),
    (
        "invalid_request",
        (
            lambda c: c.post("/v1/similar", json={"seeds": [{"track": "a", "weight": -1}]}),
            lambda r: similar(r, seeds=[cat.Seed(track="a", weight=-1)]),
        ),
    ),
    (
        "invalid_request",
        (lambda c: c.post("/v1/similar", json={"seeds": [{}]}), lambda r: similar(r, seeds=[cat.Seed()])),
    ),
    ("invalid_request", (lambda c: c.post("/v1/similar", json={}), similar)),
    (
        "invalid_request",
        (
            lambda c: c.post("/v1/similar", json={"seeds": [{"embedding": [1, 2]}]}),
            lambda r: similar(r, seeds=[cat.Seed(embedding=cat.Vector(values=[1, 2]))]),
        ),
    ),
    (
        "invalid_request",
        (
            lambda c: c.post("/v1/similar", json={"seeds": [{"upload": True}]}),
            lambda r: similar(r, seeds=[cat.Seed(upload=True)]),
        ),
    ),
    (
        "invalid_request",
        (
            lambda c: c.post("/v1/similar", files=FILE | {"query": (None, '{"seeds": [{"track": "a"}]}')}),
            lambda r: similar(r, (DATA,), seeds=[cat.Seed(track="a")]),
        ),
    ),
    (
        "invalid_request",
        (
            lambda c: c.post("/v1/playlists", json={"seeds": [{"upload": True}]}),
            lambda r: r.MakePlaylist(cat.MakePlaylistRequest(seeds=[cat.Seed(upload=True)])),
        ),
    ),
    (
        "invalid_request",
        (
            lambda c: c.post("/v1/jobs", json={"path": "x"}),
            lambda r: r.CreateJob(cat.CreateJobRequest(path="x")),
        ),
    ),
    (
        "invalid_request",
        (
            lambda c: c.post("/v1/jobs", json={"kind": "reembed", "path": "x"}),
            lambda r: r.CreateJob(cat.CreateJobRequest(kind=cat.JOB_KIND_REEMBED, path="x")),
        ),
    ),
    (
        "not_found",
        (
            lambda c: c.post("/v1/jobs", json={"kind": "ingest", "path": "../etc"}),
            lambda r: r.CreateJob(cat.CreateJobRequest(kind=cat.JOB_KIND_INGEST, path="../etc")),
        ),
    ),
]


@pytest.mark.parametrize(("code", "ways"), CASES)
async def test_refusals_are_the_same(
    client: httpx.AsyncClient, rpc: CatalogStub, catalog: FakeCatalog, code: str, ways: tuple[Any, Any]
) -> None:
    rest, call = ways
    problem = (await rest(client)).json()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(rpc)
    assert problem["code"] == dict(caught.value.trailing_metadata() or ())["sonotype-code"] == code
    said = str(caught.value.details())
    # JSON itself knows no NaN, so only there the words differ
    assert problem["detail"] == said or "JSON" in problem["detail"]
    assert 10 < len(said) < 400
    assert said.endswith(".")
    assert list(catalog.stored) == ["a", "b", "c"]


def test_every_word_has_a_number() -> None:
    assert list(JOB_STATES) == [state.value for state in JobState]
    assert list(FILE_STATES) == [state.value for state in FileState]
    assert list(JOB_KINDS) == [kind.value for kind in JobKind]
    assert sorted(ORDERS.values()) == [1, 2, 3]
    assert sorted(HUBNESS.values()) == [1, 2]
