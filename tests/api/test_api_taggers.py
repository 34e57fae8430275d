"""Taggers over REST, gRPC and the command line: the same questions, the same answers, the same refusals."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import grpc
import httpx
import numpy as np
import pytest
from cli_kit import CommandLine
from fakecatalog import CURRENT, DIM, FakeCatalog
from fakeplane import FakePlane
from google.protobuf.json_format import MessageToDict
from structlog.testing import capture_logs

from sonotype.api.grpc.gen import catalog_pb2 as cat
from sonotype.api.grpc.gen import tagger_pb2 as tag
from sonotype.api.grpc.gen.tagger_pb2_grpc import TaggersStub
from sonotype.catalog.port import Page
from sonotype.catalog.taggers.store import TaggerStore
from sonotype.catalog.track import Track
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.plane.catalog.taggers import Taggers

KINDS = ("calm", "loud")
NEW = {"name": "moods", "from": {"collection": ["default"]}, "budget": 4, "k": 2}


class Engine:
    """The part of the catalogue's port that taggers need, on what the fake catalogue holds."""

    def __init__(self, held: FakeCatalog) -> None:
        self._held = held

    async def list(self, where: object, cursor: str | None, limit: int) -> Page:
        return await self._held.tracks(where, cursor, limit)  # type: ignore[arg-type]

    async def get_many(self, ids: list[str]) -> list[Track]:
        return [self._held.stored[track] for track in ids if track in self._held.stored]

    async def vectors(self, ids: list[str], generation: str) -> dict[str, Floats]:
        return {track: self._held.vectors[track] for track in ids if track in self._held.vectors}


class Tracks:
    """Hears the bytes of an upload as a vector."""

    async def embed(self, upload: Any, space: Any, query: Any) -> Floats:
        return np.frombuffer(upload.data[: 4 * DIM], dtype="<f4")


async def _status() -> None:
    return None


@pytest.fixture
async def held(plane: FakePlane, client: httpx.AsyncClient, tmp_path: Path) -> AsyncIterator[FakeCatalog]:
    random = np.random.default_rng(0)
    for number in range(20):
        kind = number % 2
        vector = np.eye(2, DIM)[kind] + 0.2 * random.normal(size=DIM)
        metadata = {"tags": [KINDS[kind]], "artist": f"artist {number // 4}"}
        body = {"metadata": metadata, "embedding": vector.tolist()}
        assert (await client.put(f"/v1/tracks/t{number}", json=body)).status_code == 201
    body = {"metadata": {}, "embedding": np.eye(2, DIM)[1].tolist()}
    assert (await client.put("/v1/tracks/new", json=body)).status_code == 201
    store = TaggerStore(tmp_path / "taggers")
    generations = SimpleNamespace(
        current=CURRENT.name, status=_status, space=lambda name: SimpleNamespace(dim=DIM) if name else None
    )
    engine, hearing = cast("Any", Engine(plane.catalog)), cast("Any", Tracks())
    taggers = Taggers(engine, cast("Any", generations), hearing, store, nullcontext)
    plane.catalog.taggers = taggers  # type: ignore[attr-defined]
    yield plane.catalog
    store.close()


@pytest.fixture
async def made(held: FakeCatalog, client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post("/v1/taggers", json=NEW)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == "/v1/taggers/moods"
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture
def rpc(channel: grpc.aio.Channel) -> TaggersStub:
    return TaggersStub(channel)


def as_json(message: Any) -> Any:
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def same(rest: Any, rpc: Any) -> None:
    """Equal, where null is absent; numbers but for float's last digits."""
    if isinstance(rest, dict):
        for name in {*rest, *rpc} - {"request_id"}:
            assert (rest.get(name) is None) == (rpc.get(name) is None), name
            same(rest.get(name), rpc.get(name))
    elif isinstance(rest, list):
        assert len(rest) == len(rpc)
        for one, other in zip(rest, rpc, strict=True):
            same(one, other)
    else:
        assert rest == (pytest.approx(rpc) if isinstance(rest, float) else rpc)


def asking(*chunks: bytes, **options: Any) -> Any:
    first = tag.TagRequest(options=tag.TagOptions(**options))
    return iter([first, *(tag.TagRequest(chunk=chunk) for chunk in chunks)])


async def test_a_tagger_is_made_shown_and_deleted(
    client: httpx.AsyncClient, rpc: TaggersStub, made: dict[str, Any]
) -> None:
    assert (made["labels"], made["tracks"], made["version"], made["stale"]) == (["calm", "loud"], 20, 1, False)
    same(
        (await client.get("/v1/taggers/moods")).json(), as_json(await rpc.GetTagger(tag.GetTaggerRequest(name="moods")))
    )
    where = cat.TrackFilter(tags=["calm"])
    request = tag.CreateTaggerRequest(name="other", budget=0.5, **{"from": where})
    assert (await rpc.CreateTagger(request)).tracks == 10
    listed = (await client.get("/v1/taggers")).json()
    assert [one["name"] for one in listed["taggers"]] == ["moods", "other"]
    same(listed, as_json(await rpc.ListTaggers(tag.ListTaggersRequest())))
    assert (await client.delete("/v1/taggers/other")).status_code == 204
    assert (await client.get("/v1/taggers/other")).json()["code"] == "not_found"


async def test_a_table_makes_the_same_on_both_faces(
    client: httpx.AsyncClient, rpc: TaggersStub, held: FakeCatalog
) -> None:
    table = b"id,labels\n" + b"".join(b"t%d,%s\n" % (n, KINDS[n % 2].encode()) for n in range(8))
    form = {"file": ("labels.csv", table), "tagger": (None, json.dumps({"name": "a", "budget": 4}))}
    rest = (await client.post("/v1/taggers", files=form)).json()
    told = await rpc.CreateTagger(tag.CreateTaggerRequest(name="b", csv=table, budget=4))
    assert (rest["tracks"], rest["labels"]) == (told.tracks, list(told.labels)) == (8, ["calm", "loud"])


async def test_answers_are_the_same(client: httpx.AsyncClient, rpc: TaggersStub, made: dict[str, Any]) -> None:
    rest = (await client.post("/v1/taggers/moods/tag", json={"tracks": ["new", "t0"], "top_k": 1})).json()
    assert [answer["tags"][0]["label"] for answer in rest["answers"]] == ["loud", "calm"]
    assert sum(rest["answers"][0]["tags"][0]["shares"]) == pytest.approx(1, abs=1e-5)
    assert {name[0] for name in rest["answers"][0]["prototypes"][0]["examples"]} == {"t"}
    same(rest, as_json(await rpc.Tag(asking(name="moods", tracks=["new", "t0"], top_k=1))))
    vector = [0.25, 1.0, 0.5, 0.0]
    by_vector = (await client.post("/v1/taggers/moods/tag", json={"embedding": vector})).json()
    data = np.array(vector, dtype="<f4").tobytes()
    audio = {"content-type": "audio/wav"}
    by_upload = (await client.post("/v1/taggers/moods/tag?top_k=2", content=data, headers=audio)).json()
    assert by_vector["answers"] == by_upload["answers"]
    same(by_vector, as_json(await rpc.Tag(asking(name="moods", embedding=vector))))
    same(by_upload, as_json(await rpc.Tag(asking(data[:3], data[3:], name="moods"))))


async def test_a_correction_is_learnt_and_undone(
    client: httpx.AsyncClient, rpc: TaggersStub, made: dict[str, Any]
) -> None:
    said = {"track": "new", "label": "Calm", "is": True, "event": "e1"}
    first = (await client.post("/v1/taggers/moods/feedback", json=said)).json()
    assert (first["version"], first["kind"], first["label"], first["is"]) == (2, "feedback", "calm", True)
    again = await rpc.Feedback(tag.FeedbackRequest(name="moods", track="new", label="calm", event="e1", **{"is": True}))
    assert again.replayed
    same(first | {"replayed": True}, as_json(again))
    undone = (await client.post("/v1/taggers/moods/undo", json={"version": 2})).json()
    assert (undone["kind"], undone["target"]) == ("undo", 1)
    assert (await client.post("/v1/taggers/moods/undo")).status_code == 409
    back = await rpc.RollbackTagger(tag.RollbackTaggerRequest(name="moods", version=2))
    assert (back.version, back.target) == (4, 2)
    rest = (await client.get("/v1/taggers/moods/versions?limit=2")).json()
    assert [change["kind"] for change in rest["versions"]] == ["rollback", "undo"]
    assert rest["current"] == 4
    request = tag.ListTaggerVersionsRequest(name="moods", limit=2)
    answer = as_json(await rpc.ListTaggerVersions(request))
    for change in answer["versions"]:
        assert change.pop("replayed") is False
    same(rest, answer)


async def test_a_report_is_the_same_and_a_table(
    client: httpx.AsyncClient, rpc: TaggersStub, made: dict[str, Any]
) -> None:
    await client.post("/v1/taggers/moods/feedback", json={"track": "t0", "label": "calm", "is": False})
    rest = (await client.get("/v1/taggers/moods/report?limit=3")).json()
    assert rest["doubts"][0]["track"] == "t0"
    assert rest["artists"] == 5
    same(rest, as_json(await rpc.ReportTagger(tag.ReportTaggerRequest(name="moods", limit=3))))
    table = await client.get("/v1/taggers/moods/report", headers={"accept": "text/csv"})
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.splitlines()[0] == "track,label,is,agreement"
    assert table.text.splitlines()[1].startswith("t0,calm,false,")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("", {"name": "moods"}, "conflict"),
        ("", {"name": "No"}, "invalid_request"),
        ("", {"name": "x", "budget": 0}, "invalid_request"),
        ("", {"name": "x", "method": "magic"}, "invalid_request"),
        ("", {"name": "x", "from": {"nothing": 1}}, "invalid_request"),
        ("", {"name": "x", "from": {"collection": ["nothing"]}}, "invalid_request"),
        ("", {"name": "x", "labels": ["a"] * 257}, "invalid_request"),
        ("/moods/tag", {"tracks": ["nobody"]}, "not_found"),
        ("/moods/tag", {"tracks": ["t0"], "embedding": [1, 0, 0, 0]}, "invalid_request"),
        ("/moods/tag", {}, "invalid_request"),
        ("/moods/tag", {"embedding": [1, 2]}, "invalid_request"),
        ("/moods/tag", {"embedding": [0, 0, 0, 0]}, "invalid_request"),
        ("/moods/tag", {"tracks": ["t0"], "threshold": 2}, "invalid_request"),
        ("/moods/feedback", {"track": "t0", "label": "metal", "is": True}, "invalid_request"),
        ("/moods/feedback", {"track": "t0", "label": "calm"}, "invalid_request"),
        ("/moods/feedback", {"track": "nobody", "label": "calm", "is": True}, "not_found"),
        ("/moods/feedback", {"track": "t0", "label": "calm", "is": 1}, "invalid_request"),
        ("/moods/rollback", {"version": 9}, "not_found"),
        ("/moods/undo", {}, "conflict"),
        ("/nobody/undo", {}, "not_found"),
    ],
)
async def test_what_cannot_be_is_refused(
    client: httpx.AsyncClient, made: dict[str, Any], path: str, body: dict[str, Any], code: str
) -> None:
    answer = await client.post(f"/v1/taggers{path}", json=body)
    assert answer.json()["code"] == code, answer.text
    assert (await client.get("/v1/taggers")).json()["taggers"][0]["version"] == 1


async def test_nan_is_refused(client: httpx.AsyncClient, rpc: TaggersStub, made: dict[str, Any]) -> None:
    headers = {"content-type": "application/json"}
    answer = await client.post("/v1/taggers/moods/tag", content=b'{"embedding":[NaN,0,0,1]}', headers=headers)
    assert answer.status_code == 400
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rpc.Tag(asking(name="moods", embedding=[float("nan"), 0, 0, 1]))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rpc.Feedback(tag.FeedbackRequest(name="moods", track="t0", label="calm"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_without_a_catalogue_there_are_no_taggers(
    client: httpx.AsyncClient, rpc: TaggersStub, plane: FakePlane
) -> None:
    class Away:
        @property
        def taggers(self) -> None:
            raise SonotypeError(Code.UNAVAILABLE, "The catalogue is being opened.")

    plane.catalog = Away()  # type: ignore[assignment]
    assert (await client.get("/v1/taggers")).status_code == 503
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rpc.ListTaggers(tag.ListTaggersRequest())
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("where", ["local", "remote"])
async def test_the_command_line_says_the_same(
    plane: FakePlane, port: int, held: FakeCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, where: str
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    run = CommandLine(plane, *([] if where == "local" else ["--server", f"http://127.0.0.1:{port}"]))

    async def told(*arguments: str) -> str:
        answer = await run("taggers", *arguments)
        assert answer.exit_code == 0, answer.output
        return str(answer.stdout)

    with capture_logs():
        assert "calm, loud" in await told("create", "moods", "--collection", "default", "--budget", "4", "-k", "2")
        assert "moods" in await told("list")
        assert json.loads(await told("show", "moods", "--json"))["tracks"] == 20
        assert "loud 0." in await told("tag", "moods", "new", "--top-k", "1")
        audio = tmp_path / "x.wav"
        audio.write_bytes(np.array([0, 1, 0, 0], dtype="<f4").tobytes())
        assert "loud 0." in await told("tag", "moods", str(audio), "--top-k", "1")
        assert "version 2: new is not loud" in await told("feedback", "moods", "new", "loud", "--is-not")
        assert "version 3" in await told("undo", "moods")
        assert "version 2 is back" in await told("rollback", "moods", "2")
        assert "rollback" in await told("versions", "moods")
        assert "mAP" in await told("report", "moods")
        assert (await told("report", "moods", "--csv")).startswith("track,label,is,agreement\n")
        table = tmp_path / "labels.csv"
        table.write_text("t0,a\nt1,b\n")
        assert json.loads(await told("create", "mine", "--csv", str(table), "--json"))["labels"] == ["a", "b"]
        await told("delete", "mine")
        missing = await run("taggers", "show", "mine")
        assert missing.exit_code == 2
        assert "no tagger" in missing.stderr
