"""Taggers behind the real command: made, asked, taught on every face; what was acknowledged outlives a kill."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from harness import MODELS, Served, serve
from prototype_models import LABELS, class_wav
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen import tagger_pb2 as tag
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeStub
from sonotype.api.grpc.gen.tagger_pb2_grpc import TaggersStub
from sonotype.cli.tagger_model_views import summaries
from sonotype.core.settings import Settings
from sonotype.models.registry import Registry

AUDIO = {"content-type": "audio/wav"}
BAD = grpc.StatusCode.INVALID_ARGUMENT
GONE = grpc.StatusCode.NOT_FOUND


@contextmanager
def running(folder: Path) -> Iterator[tuple[Served, httpx.Client]]:
    chosen: dict[str, Any] = {"models": "fake", "devices": "cpu:1", "decode_workers": 1}
    with serve(folder, **chosen, catalog_embedding="fake@vector") as service:
        service.wait_until(lambda client: client.get("/readyz").json()["catalog"] == "ok", 60)
        service.wait_ready()
        with httpx.Client(base_url=service.url, timeout=60) as client:
            yield service, client


def analyzed(served: Served, *models: str, data: bytes) -> pb.AnalyzeResponse:
    def messages() -> Iterator[pb.AnalyzeRequest]:
        yield pb.AnalyzeRequest(options=pb.AnalyzeOptions(models=models))
        yield pb.AnalyzeRequest(chunk=data)

    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        return SonotypeStub(channel).Analyze(messages(), timeout=60)


def digest(folder: Path) -> dict[str, str]:
    """Hashes of the files of a tagger."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def command(folder: Path, *arguments: str) -> Any:
    environment = os.environ | {
        "SONOTYPE_MODEL_PATH": str(MODELS),
        "SONOTYPE_MODELS": "fake",
        "SONOTYPE_DATA_DIR": str(folder / "data"),
        "SONOTYPE_DEVICES": "cpu:1",
        "SONOTYPE_CATALOG_EMBEDDING": "fake@vector",
    }
    run = [sys.executable, "-m", "sonotype", *arguments]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, httpx.Client]]:
    """A service with twelve tagged tracks, one without tags, and the tagger `kinds`."""
    with running(tmp_path_factory.mktemp("shop")) as (service, client):
        for number in range(12):
            params = {"tag": [LABELS[number % 3]], "artist": f"artist {number}"}
            sent = class_wav(number % 3, 2.0, seed=number)
            assert client.put(f"/v1/tracks/t{number}", params=params, content=sent, headers=AUDIO).status_code == 201
        new = class_wav(0, 2.0, seed=99)
        assert client.put("/v1/tracks/new", content=new, headers=AUDIO).status_code == 201
        made = client.post("/v1/taggers", json={"name": "kinds", "budget": 6, "k": 1})
        assert made.status_code == 201, made.text
        yield service, client


def test_a_tagger_is_listed_and_answers_beside_the_others(shop: tuple[Served, httpx.Client]) -> None:
    service, client = shop
    listed = {model["name"]: model for model in client.get("/v1/models").json()["models"]}
    mine = listed["tagger:kinds"]
    assert (mine["kind"], mine["version"], mine["served"], mine["default"]) == ("tagger", "1", True, False)
    assert mine["labels"] == sorted(LABELS)
    assert (mine["tagger"]["backbone"], mine["tagger"]["embedding"]) == ("fake", "vector")
    assert client.get("/v1/models/tagger:kinds@1").json() == mine
    data = class_wav(0, 2.0, seed=123)
    patches = 'sonotype_batch_items_sum{model="fake@1"}'
    before = service.metric(patches)
    alone = client.post("/v1/analyze", params={"model": "fake", "cache": "bypass"}, content=data, headers=AUDIO).json()
    once = service.metric(patches) - before
    params = {"model": ["fake", "tagger:kinds"], "cache": "bypass"}
    both = client.post("/v1/analyze", params=params, content=data, headers=AUDIO).json()
    assert service.metric(patches) - before == 2 * once > 0, "a tagger costs no pass of its own"
    network, tagger = both["results"]
    assert network["tags"] == alone["results"][0]["tags"]
    assert (tagger["model"], tagger["task"], len(tagger["tags"])) == ("tagger:kinds@1", "multilabel", 3)
    decided = tagger["decided_by"]
    assert [one["label"] for one in decided["labels"]] == [one["label"] for one in tagger["tags"]]
    assert sum(decided["labels"][0]["shares"]) == pytest.approx(1, abs=1e-5)
    same = client.post("/v1/taggers/kinds/tag", content=data, headers=AUDIO).json()["answers"][0]
    assert [(one["label"], one["score"]) for one in same["tags"]] == [
        (one["label"], pytest.approx(one["score"], abs=1e-6)) for one in tagger["tags"]
    ]
    assert decided["prototypes"] == same["prototypes"]
    told = analyzed(service, "fake", "tagger:kinds", data=data).results[1]
    assert [one.label for one in told.tags] == [one["label"] for one in tagger["tags"]]
    assert [list(near.examples) for near in told.decided_by.prototypes] == [
        near["examples"] for near in decided["prototypes"]
    ]
    plain = client.post("/v1/tags", params={"model": "tagger:kinds"}, content=data, headers=AUDIO).json()["results"][0]
    assert "decided_by" not in plain


def test_what_is_no_tagger_is_refused_on_both_faces(shop: tuple[Served, httpx.Client]) -> None:
    service, client = shop
    for model in ("kinds", "tagger:nobody", "tagger:kinds@7", "tagger:../kinds", "tagger:"):
        answer = client.post("/v1/analyze", params={"model": model}, content=class_wav(0, 2.0, seed=1), headers=AUDIO)
        assert answer.json()["code"] == "model_not_found", answer.text
        with pytest.raises(grpc.RpcError) as caught:
            analyzed(service, model, data=class_wav(0, 2.0, seed=1))
        assert caught.value.code() is GONE  # type: ignore[attr-defined]
    answer = client.post("/v1/sonify", json={"model": "tagger:kinds", "embedding": [0.1] * 16})
    assert answer.status_code in {400, 404}, answer.text


def test_bad_input_is_refused_on_both_faces(shop: tuple[Served, httpx.Client]) -> None:
    service, client = shop
    with grpc.insecure_channel(f"127.0.0.1:{service.grpc_port}") as channel:
        rpc = TaggersStub(channel)

        def asked(**options: Any) -> Any:
            return rpc.Tag(iter([tag.TagRequest(options=tag.TagOptions(name="kinds", **options))]), timeout=30)

        def made(**fields: Any) -> Any:
            return rpc.CreateTagger(tag.CreateTaggerRequest(**fields), timeout=30)

        def told(**fields: Any) -> Any:
            return rpc.Feedback(tag.FeedbackRequest(**{"name": "kinds", "is": True, **fields}), timeout=30)

        wrong = [0.1] * 7
        for ask, code in (
            (lambda: asked(tracks=["nobody"]), GONE),
            (lambda: asked(embedding=[float("nan")] * 16), BAD),
            (lambda: asked(embedding=wrong), BAD),
            (lambda: told(track="nobody", label=LABELS[0]), GONE),
            (lambda: told(track="t0", label="nothing"), BAD),
            (lambda: told(name="nobody", track="t0", label=LABELS[0]), GONE),
            (lambda: made(name="../x"), BAD),
            (lambda: made(name="x", budget=0), BAD),
            (lambda: made(name="x", k=0), BAD),
            (lambda: made(name="x", csv=b"\xff\x00\x01"), BAD),
            (lambda: made(name="x", csv=b"t0,a\nt0,b\n"), BAD),
            (lambda: made(name="kinds"), grpc.StatusCode.ABORTED),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                ask()
            found = caught.value.code()  # type: ignore[attr-defined]
            assert found is code or (code is grpc.StatusCode.ABORTED and found is not grpc.StatusCode.INTERNAL), found
    headers = {"content-type": "application/json"}
    nan = b'{"embedding":[' + b",".join([b"NaN"] * 16) + b"]}"
    assert client.post("/v1/taggers/kinds/tag", content=nan, headers=headers).status_code == 400
    for path, body, status in (
        ("/kinds/tag", {"embedding": wrong}, 400),
        ("/kinds/feedback", {"track": "t0", "label": "nothing", "is": True}, 400),
        ("/nobody/feedback", {"track": "t0", "label": LABELS[0], "is": True}, 404),
        ("", {"name": "../x"}, 400),
        ("", {"name": "x", "budget": 0}, 400),
        ("", {"name": "x", "k": 0}, 400),
    ):
        assert client.post(f"/v1/taggers{path}", json=body).status_code == status, body
    for table, status in ((b"\xff\x00\x01", 400), (b"t0,a\n" * 2, 400), (b"id\n" + b"x" * (17 * 2**20), 413)):
        form = {"file": ("labels.csv", table), "tagger": (None, '{"name": "x"}')}
        assert client.post("/v1/taggers", files=form).status_code == status
    assert [one["name"] for one in client.get("/v1/taggers").json()["taggers"]] == ["kinds"]


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    with running(tmp_path) as (service, client):
        for number in range(9):
            vector = [float(number % 3 == place) + 0.01 * number for place in range(16)]
            sent = {"metadata": {"tags": [LABELS[number % 3]]}, "embedding": vector}
            assert client.put(f"/v1/tracks/t{number}", json=sent).status_code == 201
        table = "id,labels\n" + "".join(f"t{n},{'low' if n % 2 else 'high;odd'}\n" for n in range(8))
        form = {"file": ("labels.csv", table), "tagger": (None, '{"name": "mine", "budget": 3}')}
        assert client.post("/v1/taggers", files=form).json()["labels"] == ["high", "low", "odd"]
        said = {"track": "t8", "label": "low", "is": True, "event": "e1"}
        assert client.post("/v1/taggers/mine/feedback", json=said).json()["version"] == 2
        assert client.post("/v1/taggers/mine/feedback", json=said).json()["replayed"]
        other = client.post("/v1/taggers/mine/feedback", json=said | {"is": False})
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
        with grpc.insecure_channel(f"127.0.0.1:{service.grpc_port}") as channel:
            request = tag.FeedbackRequest(name="mine", track="t0", label="odd", **{"is": False})
            assert TaggersStub(channel).Feedback(request, timeout=30).version == 3
        asked = {"tracks": [f"t{n}" for n in range(9)], "top_k": None}
        before = client.post("/v1/taggers/mine/tag", json=asked).json()["answers"]
        files = digest(tmp_path / "data" / "taggers" / "mine")
        os.kill(service.process.pid, signal.SIGKILL)
        service.process.wait(30)
    with running(tmp_path) as (service, client):
        assert digest(tmp_path / "data" / "taggers" / "mine") == files
        assert client.get("/v1/taggers/mine").json()["corrections"] == 2
        assert client.post("/v1/taggers/mine/tag", json=asked).json()["answers"] == before
        assert client.post("/v1/taggers/mine/feedback", json=said).json()["replayed"], "events outlive it, too"
        assert client.post("/v1/taggers/mine/undo", json={"version": 3}).json()["target"] == 2
        assert client.post("/v1/taggers/mine/undo", json={"version": 3}).status_code == 409
        clip = class_wav(1, 2.0, seed=5)
        answer = client.post("/v1/analyze", params={"model": "tagger:mine"}, content=clip, headers=AUDIO).json()
        assert answer["results"][0]["model"] == "tagger:mine@4"
        assert service.stop() == 0
    path = tmp_path / "clip.wav"
    path.write_bytes(clip)
    local = command(tmp_path, "analyze", str(path), "--model", "tagger:mine", "--format", "json")
    assert local[0]["results"][0]["decided_by"] == answer["results"][0]["decided_by"]
    settings = Settings(model_path=[MODELS], data_dir=tmp_path / "data", weights_dir=tmp_path / "weights")
    registry = Registry(settings.model_path, settings.weights_dir)
    listed = {row["name"]: row for row in summaries(registry, settings)}
    assert (listed["tagger:mine"]["version"], listed["tagger:mine"]["backbone"]) == ("4", "fake")


def test_a_tagger_without_its_backbone_says_so(tmp_path: Path) -> None:
    with running(tmp_path) as (service, client):
        for number in range(4):
            vector = [float(number % 2 == place) + 0.01 for place in range(16)]
            sent = {"metadata": {"tags": [LABELS[number % 2]]}, "embedding": vector}
            assert client.put(f"/v1/tracks/t{number}", json=sent).status_code == 201
        assert client.post("/v1/taggers", json={"name": "mine", "budget": 2}).status_code == 201
        assert service.stop() == 0
    mine = tmp_path / "data" / "taggers" / "mine" / "tagger.json"
    body = mine.read_bytes().partition(b"\n")[2].replace(b"fake@1.vector.", b"lost@1.vector.")
    mine.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    with running(tmp_path) as (service, client):
        told = client.get("/v1/models/tagger:mine").json()
        assert (told["served"], told["tagger"]["stale"], told["tagger"]["backbone"]) == (False, True, "lost")
        clip = class_wav(1, 2.0, seed=5)
        answer = client.post("/v1/analyze", params={"model": "tagger:mine"}, content=clip, headers=AUDIO)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert "lost@1.vector." in answer.json()["detail"]
        assert client.delete("/v1/taggers/mine").status_code == 204
        assert "tagger:mine" not in {model["name"] for model in client.get("/v1/models").json()["models"]}
