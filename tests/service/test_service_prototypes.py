"""Prototypes behind the real command `sonotype serve`: the faces agree, ranges hold, nobody waits for who left."""

from __future__ import annotations

import io
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
import soundfile

from harness import MODELS, Served, serve
from prototype_models import LABELS, RATE_HZ, SEGMENT_SAMPLES, class_wav, make_model
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeStub
from sonotype.api.http import schemas
from sonotype.api.http import schemas_prototypes as bodies

MODEL, FLUTE = "fake-prototypes", "fake-prototypes.flute.0"
AUDIO = f"/v1/prototypes/{FLUTE}/audio"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("prototypes")
    repository = folder / "models"
    shutil.copytree(MODELS, repository)
    make_model(repository, name=MODEL, delay_ms=5)
    medoids = repository / MODEL / "medoids"
    medoids.mkdir()
    soundfile.write(medoids / f"{FLUTE}.ogg", np.zeros(RATE_HZ, dtype=np.float32), RATE_HZ)
    with serve(folder, models=f"fake,{MODEL}", model_path=repository, devices="cpu:1") as service:
        service.wait_ready()
        yield service


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=30) as made:
        yield made


@pytest.fixture(scope="module")
def stub(served: Served) -> Iterator[SonotypeStub]:
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        yield SonotypeStub(channel)


def analyze(client: httpx.Client, index: int, **params: Any) -> dict[str, Any]:
    sent = {"params": {"model": MODEL, "reasons_top_k": "all"} | params, "content": class_wav(index)}
    answer = client.post("/v1/analyze", headers={"content-type": "audio/wav"}, **sent)
    schemas.AnalysisBody.model_validate(answer.json())
    result: dict[str, Any] = answer.json()["results"][0]
    return result


@pytest.mark.parametrize("index", range(len(LABELS)))
def test_reasons_decide_and_add_up(client: httpx.Client, index: int) -> None:
    result = analyze(client, index)
    assert result["tags"][0]["label"] == LABELS[index]
    for label in result["reasons"]["labels"]:
        shares = sum(share["evidence"] for share in [*label["for"], *label["against"]])
        assert label["baseline"] + shares + label["rest"] == pytest.approx(label["logit"], abs=1e-5)
    winner = result["reasons"]["labels"][0]
    assert {share["label"] for share in winner["for"]} == {LABELS[index]}
    assert result["reasons"]["nearest"][0]["label"] == LABELS[index]


def test_cached_reasons_are_the_same(client: httpx.Client) -> None:
    first, second = analyze(client, 0, timeline="true"), analyze(client, 0, timeline="true")
    assert second["cached"]
    assert first["reasons"] == second["reasons"]


def test_the_three_faces_agree(client: httpx.Client, stub: SonotypeStub, served: Served, tmp_path: Path) -> None:
    rest = analyze(client, 1)
    asked = pb.AnalyzeRequest(options=pb.AnalyzeOptions(models=[MODEL], all_reasons=True))
    [rpc] = stub.Analyze(iter([asked, pb.AnalyzeRequest(chunk=class_wav(1))])).results
    file = tmp_path / "clip.wav"
    file.write_bytes(class_wav(1))
    arguments = ["analyze", str(file), "--model", MODEL, "--reasons", "100", "--format", "json"]
    [document] = json.loads(command(served, *arguments))
    assert document["results"][0]["reasons"] == rest["reasons"]
    for theirs, ours in zip(rest["reasons"]["labels"], rpc.reasons.labels, strict=True):
        assert [share["id"] for share in theirs["for"]] == [share.id for share in ours.pro]
        assert theirs["logit"] == pytest.approx(ours.logit, abs=1e-6)
        assert [share["evidence"] for share in theirs["against"]] == pytest.approx(
            [share.evidence for share in ours.against], abs=1e-6
        )


def command(served: Served, *arguments: str) -> str:
    called = [sys.executable, "-m", "sonotype", *arguments, "--server", served.url]
    return subprocess.run(called, capture_output=True, text=True, check=True, timeout=60).stdout


def test_prototypes_and_their_links(client: httpx.Client, stub: SonotypeStub) -> None:
    listed = bodies.PrototypesBody.model_validate(client.get("/v1/prototypes").json()).prototypes
    assert len(listed) == 2 * len(LABELS)
    assert [one.id for one in stub.ListPrototypes(pb.ListPrototypesRequest()).prototypes] == [one.id for one in listed]
    one = bodies.PrototypeBody.model_validate(client.get(f"/v1/prototypes/{FLUTE}").json())
    assert [rendering.kind for rendering in one.renderings].count("segment") == 1
    for rendering in one.renderings:
        assert soundfile.info(io.BytesIO(client.get(rendering.url).content)).samplerate == RATE_HZ


@pytest.mark.parametrize("audio_format", ["wav", "flac", "ogg", "mp3"])
def test_ranges_of_a_real_file(client: httpx.Client, stub: SonotypeStub, audio_format: str) -> None:
    params = {"format": audio_format}
    whole = client.get(AUDIO, params=params)
    assert soundfile.info(io.BytesIO(whole.content)).duration == pytest.approx(SEGMENT_SAMPLES / RATE_HZ, abs=0.15)
    pieces = [
        client.get(AUDIO, params=params, headers={"range": f"bytes={start}-{start + 999}"})
        for start in range(0, len(whole.content), 1000)
    ]
    assert {piece.status_code for piece in pieces} == {206}
    assert b"".join(piece.content for piece in pieces) == whole.content
    head = client.head(AUDIO, params=params)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))
    known = client.get(AUDIO, params=params, headers={"if-none-match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    outside = client.get(AUDIO, params=params, headers={"range": f"bytes={len(whole.content)}-"})
    assert (outside.status_code, outside.headers["content-range"]) == (416, f"bytes */{len(whole.content)}")
    request = pb.GetPrototypeAudioRequest(id=FLUTE, format=pb.AudioFormat.Value(f"AUDIO_FORMAT_{audio_format.upper()}"))
    assert b"".join(message.data for message in stub.GetPrototypeAudio(request)) == whole.content


def test_sonifications_of_every_start(client: httpx.Client, stub: SonotypeStub) -> None:
    path = {"from_label": "flute", "to_label": "piano", "points": 3}
    for body, n_segments in (
        ({"prototypes": [{"id": FLUTE}]}, 1),
        ({"embedding": [0.1] * 16, "seed": 2}, 1),
        ({"path": path}, 3),
    ):
        answer = client.post("/v1/sonify", json=body)
        samples, rate_hz = soundfile.read(io.BytesIO(answer.content))
        assert (len(samples), rate_hz) == (n_segments * SEGMENT_SAMPLES, RATE_HZ)
        assert answer.headers["sonotype-labels"].count(":") == n_segments
    kept = client.post("/v1/sonify", content=class_wav(2), headers={"content-type": "audio/wav"})
    assert kept.headers["sonotype-labels"].startswith("piano:")
    options = pb.SonifyOptions(path=pb.CounterfactualPath(**path))
    header, *data = stub.Sonify(iter([pb.SonifyRequest(options=options)]))
    assert b"".join(message.data for message in data) == client.post("/v1/sonify", json={"path": path}).content
    assert header.header.labels[0] == "flute"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"embedding": [0.1] * 15}, 400, "invalid_request"),
        ({"prototypes": [{"id": "fake-prototypes.tuba.0"}]}, 404, "not_found"),
        ({"path": {"from_label": "flute", "to_label": "tuba"}}, 400, "invalid_request"),
        ({"model": "none", "embedding": [0.1] * 16}, 404, "model_not_found"),
        ({"model": "fake", "embedding": [0.1] * 16}, 400, "invalid_request"),
    ],
)
def test_what_cannot_be_sonified(client: httpx.Client, body: dict[str, Any], status: int, code: str) -> None:
    answer = client.post("/v1/sonify", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_nobody_waits_for_a_client_who_left(client: httpx.Client, served: Served) -> None:
    cancelled = 'sonotype_sonifications_total{lane="interactive",outcome="cancelled"}'
    before = served.metric(cancelled)
    body = json.dumps({"embedding": [0.1] * 16, "path": {"to_label": "piano", "points": 9}}).encode()
    head = (
        f"POST /v1/sonify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", served.port)) as leaving:
        leaving.sendall(head.encode() + body)
        assert leaving.recv(64).startswith(b"HTTP/1.1 200")
    served.wait_until(lambda _: served.metric(cancelled) == before + 1)
    assert client.post("/v1/sonify", json={"embedding": [0.1] * 16}).status_code == 200


def test_the_command_hears_a_prototype(served: Served, client: httpx.Client, tmp_path: Path) -> None:
    said = json.loads(command(served, "prototypes", "audio", FLUTE, "-o", str(tmp_path / "flute.flac"), "--json"))
    assert said["rendering"] == "prototype; seed=0"
    assert (tmp_path / "flute.flac").read_bytes() == client.get(AUDIO, params={"format": "flac"}).content
