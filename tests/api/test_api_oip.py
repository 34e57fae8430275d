"""The Open Inference Protocol over REST, with the client of Triton where it can say what is tested."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from fakeplane import FakePlane
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from sonotype.api.oip.tensors import MAX_ITEMS
from sonotype.api.oip.wav import wav_bytes
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.query import AnalyzeQuery

DATA = bytes(range(256)) * 40
Ask = Callable[[Callable[[InferenceServerClient], Any]], Any]


@pytest.fixture
async def triton(port: int) -> Ask:
    """Runs a function with Triton's client in a thread, where its own event loop may turn."""

    def run(work: Callable[[InferenceServerClient], Any]) -> Any:
        with InferenceServerClient(f"127.0.0.1:{port}", network_timeout=30.0) as client:
            return work(client)

    async def ask(work: Callable[[InferenceServerClient], Any]) -> Any:
        return await asyncio.to_thread(run, work)

    return ask


def audio(*files: bytes) -> InferInput:
    given = InferInput("audio", [len(files)], "BYTES")
    given.set_data_from_numpy(np.array(files, dtype=np.object_), binary_data=True)
    return given


async def tags(client: httpx.AsyncClient, data: bytes = DATA, **params: Any) -> dict[str, Any]:
    answer = await client.post(
        "/v1/analyze", params={"top_k": "all", **params}, content=data, headers={"content-type": "audio/wav"}
    )
    return dict(answer.json()["results"][0])


async def test_health_and_metadata(triton: Ask, plane: FakePlane) -> None:
    assert await triton(lambda client: client.is_server_live())
    assert await triton(lambda client: client.is_server_ready())
    assert await triton(lambda client: client.is_model_ready("fake"))
    assert await triton(lambda client: client.is_model_ready("fake", "1"))
    assert not await triton(lambda client: client.is_model_ready("nothing"))
    server = await triton(lambda client: client.get_server_metadata())
    assert server["name"] == "sonotype"
    assert "binary_tensor_data" in server["extensions"]
    found = await triton(lambda client: client.get_model_metadata("fake"))
    assert found == {
        "name": "fake",
        "versions": ["1"],
        "platform": "sonotype_fake",
        "inputs": [
            {"name": "audio", "datatype": "BYTES", "shape": [-1]},
            {"name": "samples", "datatype": "FP32", "shape": [-1, -1]},
        ],
        "outputs": [
            {"name": "scores", "datatype": "FP32", "shape": [-1, 8]},
            {"name": "labels", "datatype": "BYTES", "shape": [8]},
            {"name": "vector", "datatype": "FP32", "shape": [-1, 16]},
            {"name": "small", "datatype": "FP32", "shape": [-1, 4]},
        ],
    }
    index = await triton(lambda client: client.get_model_repository_index())
    assert {(row["name"], row["version"]) for row in index} == {(i.card.name, i.card.version) for i in plane.models()}
    plane.ready = False
    assert not await triton(lambda client: client.is_server_ready())
    assert not await triton(lambda client: client.is_model_ready("fake"))


async def test_scores_are_those_of_analyze(triton: Ask, client: httpx.AsyncClient, plane: FakePlane) -> None:
    found = await triton(lambda it: it.infer("fake", [audio(DATA)], request_id="seven"))
    wanted = await tags(client, embeddings=["vector", "small"])
    assert found.get_response()["id"] == "seven"
    assert (found.get_response()["model_name"], found.get_response()["model_version"]) == ("fake", "1")
    labels = [label.decode() for label in found.as_numpy("labels").tolist()]
    scores = dict(zip(labels, found.as_numpy("scores")[0].tolist(), strict=True))
    assert scores == pytest.approx({tag["label"]: tag["score"] for tag in wanted["tags"]}, abs=1e-6)
    for embedding in wanted["embeddings"]:
        np.testing.assert_allclose(found.as_numpy(embedding["name"])[0], embedding["values"], rtol=1e-6)
    (first, _), (second, _) = plane.calls
    assert first == second


async def test_outputs_as_asked(triton: Ask) -> None:
    outputs = [InferRequestedOutput("small", binary_data=False), InferRequestedOutput("labels", binary_data=True)]
    found = (await triton(lambda it: it.infer("fake", [audio(DATA)], outputs=outputs))).get_response()
    assert [output["name"] for output in found["outputs"]] == ["small", "labels"]
    assert [len(output.get("data", ())) for output in found["outputs"]] == [4, 0]
    assert found["outputs"][1]["parameters"]["binary_data_size"] > 8 * 4
    best = [InferRequestedOutput("scores", class_count=2)]
    rows = (await triton(lambda it: it.infer("fake", [audio(DATA)], outputs=best))).as_numpy("scores")
    assert rows.shape == (1, 2)
    score, place, label = rows[0][0].decode().split(":")
    assert 0 < float(score) <= 1
    assert int(place) < 8
    assert label


async def test_several_items_each_for_itself(triton: Ask, client: httpx.AsyncClient, plane: FakePlane) -> None:
    files = [DATA[:1000], DATA[:2000], DATA[:3000]]
    found = await triton(lambda it: it.infer("fake", [audio(*files)]))
    assert found.as_numpy("scores").shape == (3, 8)
    assert found.as_numpy("labels").shape == (8,)
    for row, file in zip(found.as_numpy("scores"), files, strict=True):
        wanted = (await tags(client, file))["tags"]
        assert sorted(row.tolist(), reverse=True) == pytest.approx([tag["score"] for tag in wanted], abs=1e-6)
    plane.error = SonotypeError(Code.UNDECODABLE, "The audio cannot be decoded.")
    with pytest.raises(InferenceServerException, match=r"Item 0: The audio cannot be decoded\."):
        await triton(lambda it: it.infer("fake", [audio(*files)]))


async def test_samples_become_a_file(triton: Ask, plane: FakePlane, tmp_path: Any) -> None:
    rows = np.random.default_rng(0).normal(scale=0.1, size=(2, 500)).astype(np.float32)
    given = InferInput("samples", [2, 500], "FP32")
    given.set_data_from_numpy(rows)
    await triton(lambda it: it.infer("fake", [given], parameters={"sample_rate": 22050}))
    for (upload, _), row in zip(plane.calls, rows, strict=True):
        (tmp_path / "row.wav").write_bytes(upload.data)
        read, rate_hz = soundfile.read(tmp_path / "row.wav", dtype="float32")
        assert rate_hz == 22050
        np.testing.assert_array_equal(read, row)


async def test_parameters_are_the_options_of_analyze(triton: Ask, client: httpx.AsyncClient, plane: FakePlane) -> None:
    options = {"offset_s": 1.5, "duration_s": 2, "hop_s": 0.5, "tail": "pad", "lane": "bulk", "cache": "bypass"}
    await triton(lambda it: it.infer("other", [audio(DATA)], parameters=options | {"quality": "fast"}, timeout=5000000))
    await tags(client, model="other", quality="fast", timeout_s=5, **options)
    (_, ours), (_, theirs) = plane.calls
    common = ("models", "crop", "hop_s", "tail", "lane", "use_cache", "quality", "timeout_s")
    assert [getattr(ours, name) for name in common] == [getattr(theirs, name) for name in common]


async def test_plain_json(client: httpx.AsyncClient, plane: FakePlane) -> None:
    text = base64.b64encode(DATA).decode()
    item = {"name": "audio", "datatype": "BYTES", "shape": [1], "data": [text]}
    body = {"inputs": [item | {"parameters": {"content_type": "base64"}}], "outputs": [{"name": "scores"}]}
    answer = await client.post("/v2/models/fake/versions/1/infer", json=body)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    (output,) = answer.json()["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("scores", "FP32", [1, 8])
    assert plane.calls[0][0].data == DATA
    for data in ([[0.0, 0.5, -0.5]], [0.0, 0.5, -0.5]):
        rows = {"name": "samples", "datatype": "FP32", "shape": [1, 3], "data": data}
        answer = await client.post(
            "/v2/models/fake/infer", json={"inputs": [rows], "parameters": {"sample_rate": 8000}}
        )
        assert answer.status_code == 200
    assert plane.calls[1][0] == plane.calls[2][0]
    assert plane.calls[1][0].data == wav_bytes(np.array([0.0, 0.5, -0.5], dtype=np.float32), 8000)


def part(**changes: Any) -> dict[str, Any]:
    return {"name": "samples", "datatype": "FP32", "shape": [1, 2], "data": [0.1, 0.2]} | changes


RATE = {"parameters": {"sample_rate": 8000}}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "inputs"),
        ({"inputs": []}, "inputs"),
        ({"inputs": [part()]}, "sample_rate"),
        ({"inputs": [part(), part()], **RATE}, "inputs"),
        ({"inputs": [part(name="video")], **RATE}, "exactly one input"),
        ({"inputs": [part(shape=[3])], **RATE}, "does not fit"),
        ({"inputs": [part(shape=[-2])], **RATE}, "shape"),
        ({"inputs": [part(shape=[1] * 8 + [2])], **RATE}, "shape"),
        ({"inputs": [part(name="audio", datatype="BYTES", shape=[65], data=[""] * 65)]}, "1 to 64 items"),
        ({"inputs": [part(datatype="FP16")], **RATE}, "none of BYTES, FP32 and FP64"),
        ({"inputs": [part(data=["a", "b"])], **RATE}, "not numbers"),
        ({"inputs": [part(data=["1", "2"])], **RATE}, "not numbers"),
        ({"inputs": [part(data=[10**400, 0])], **RATE}, "not numbers"),
        ({"inputs": [part(data=[{"a": 1}, 0])], **RATE}, "not numbers"),
        ({"inputs": [part(data=[[1], [2, 3]])], **RATE}, "not numbers"),
        ({"inputs": [part(data=None)], **RATE}, "either data or"),
        ({"inputs": [part(datatype="BYTES", data=["a", "b"])], **RATE}, "mono audio"),
        ({"inputs": [part(name="audio")]}, "one file per item"),
        ({"inputs": [part(name="audio", datatype="BYTES", shape=[2], data=[1, 2])]}, "not strings"),
        ({"inputs": [part(shape=[MAX_ITEMS + 1, 1], data=[0.0] * (MAX_ITEMS + 1))], **RATE}, "items"),
        ({"inputs": [part()], "parameters": {"sample_rate": 8000, "colour": "red"}}, "colour"),
        ({"inputs": [part()], "parameters": {"sample_rate": 8000, "model": "other"}}, "in its path"),
        ({"inputs": [part()], "parameters": {"sample_rate": 8000, "hop_s": -1}}, "hop_s"),
        ({"inputs": [part()], "outputs": [{"name": "nothing"}], **RATE}, "no output 'nothing'"),
        ({"inputs": [part()], "outputs": [{"name": "scores"}, {"name": "scores"}], **RATE}, "twice"),
        (
            {"inputs": [part()], "outputs": [{"name": "labels", "parameters": {"classification": 2}}], **RATE},
            "Only `scores`",
        ),
        ({"inputs": [part()], "parameters": {"sample_rate": 8000, "binary_data_output": "x"}}, "true or false"),
        ({"inputs": [part()], "extra": 1, **RATE}, "extra"),
        ({"inputs": [part(parameters={"binary_data_size": 8})], **RATE}, "data as well"),
        ({"inputs": [part(data=None, parameters={"binary_data_size": 8})], **RATE}, "bytes behind the JSON"),
    ],
)
async def test_bad_requests(client: httpx.AsyncClient, plane: FakePlane, body: Any, reason: str) -> None:
    refused(await client.post("/v2/models/fake/infer", json=body), 400, reason)
    assert not plane.calls


async def test_numbers_too_large_for_a_file(client: httpx.AsyncClient, plane: FakePlane) -> None:
    body = {"inputs": [part(datatype="FP64", data=[1e300, 0.0])], **RATE}
    assert (await client.post("/v2/models/fake/infer", json=body)).status_code == 200  # for the decoder to refuse
    assert np.isinf(np.frombuffer(plane.calls[0][0].data[-8:], "<f4")).tolist() == [True, False]


async def test_bad_bytes(client: httpx.AsyncClient) -> None:
    head = json.dumps({"inputs": [part(name="audio", datatype="BYTES", shape=[1], data=None) | size(9)]}).encode()
    for body, length, reason in (
        (b"no json", None, "not JSON"),
        (b'{"inputs": NaN}', None, "not JSON"),
        (head + b"x" * 9, str(len(head) + 100), "Inference-Header-Content-Length"),
        (head + b"x" * 9, "9" * 5000, "Inference-Header-Content-Length"),
        (head + b"x" * 9, "-1", "Inference-Header-Content-Length"),
        (head + b"x" * 8, str(len(head)), "bytes behind the JSON"),
        (head + struct.pack("<I", 6) + b"x" * 5, str(len(head)), "end within an element"),
        (head + struct.pack("<I", 2) + b"x" * 5, str(len(head)), "end within an element"),
    ):
        headers = {"inference-header-content-length": length} if length else {}
        refused(await client.post("/v2/models/fake/infer", content=body, headers=headers), 400, reason)


def size(n_bytes: int) -> dict[str, Any]:
    return {"parameters": {"binary_data_size": n_bytes}}


async def test_errors_have_the_protocols_form(client: httpx.AsyncClient, plane: FakePlane) -> None:
    body = {"inputs": [part()], **RATE}
    refused(await client.post("/v2/models/nothing/infer", json=body), 404, "No such model")
    refused(await client.get("/v2/models/fake@1"), 404, "no model named")
    refused(await client.get("/v2/nowhere"), 404, "Not Found")
    refused(await client.get("/v2/models/fake?x=1"), 400, "no query parameters")
    refused(await client.get("/v2/models/fake/infer"), 405, "Not Allowed")
    refused(await client.post("/v2/models/fake/infer", content=b"x" * (2**20 + 1)), 413, "at most")
    plane.error = SonotypeError(Code.OVERLOADED, "Too much to do.", retry_after_s=3)
    answer = await client.post("/v2/models/fake/infer", json=body)
    refused(answer, 503, "Too much to do.")
    assert answer.headers["retry-after"] == "3"
    assert answer.headers["sonotype-code"] == "overloaded"
    plane.error = RuntimeError("a defect")
    refused(await client.post("/v2/models/fake/infer", json=body), 500, "request id")
    assert plane.held_bytes == 0


def refused(answer: httpx.Response, status: int, reason: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    assert reason in answer.json()["error"]


async def test_keys_are_asked_for(client: httpx.AsyncClient, plane: FakePlane) -> None:
    plane.keys = frozenset({"secret"})
    body = {"inputs": [part()], **RATE}
    for path in ("/v2", "/v2/models/fake", "/v2/models/fake/ready"):
        refused(await client.get(path), 401, "key")
    refused(await client.post("/v2/models/fake/infer", json=body), 401, "key")
    assert (await client.get("/v2/health/live")).status_code == 200
    assert (await client.get("/v2/health/ready")).status_code == 200
    headers = {"authorization": "Bearer secret"}
    assert (await client.post("/v2/models/fake/infer", json=body, headers=headers)).status_code == 200
    assert isinstance(plane.calls[0][1], AnalyzeQuery)
    assert plane.calls[0][1].client is not None
