"""Models whose weights are graphs, served: a tiny ONNX with a log-mel input, and YAMNet; over REST, gRPC and OIP."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
import soundfile
import torch

from graph_kit import FRAMES, MEL, expected, mel_graph, write_model
from harness import RATE_HZ, Served, serve
from sonotype.api.grpc.gen import grpc_service_pb2 as pb
from sonotype.api.grpc.gen.grpc_service_pb2_grpc import GRPCInferenceServiceStub
from sonotype.core.types import Floats
from sonotype.models.card_parts import FrontendSpec
from sonotype.models.frontend.logmel import LogMel
from sonotype.models.patches import Patcher
from sonotype.models.registry import Registry

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("graphs")
    write_model(folder / "models", mel_graph())
    with serve(folder, models="tiny-graph,yamnet", model_path=folder / "models", devices="cpu:1") as service:
        service.wait_ready(90)
        yield service


@pytest.fixture(scope="module")
def samples() -> Floats:
    at = np.arange(2 * RATE_HZ) / RATE_HZ
    return np.asarray(0.3 * np.sin(2 * np.pi * (220 * at + 60 * at**2)), dtype=np.float32)


@pytest.fixture(scope="module")
def wav(samples: Floats) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format="WAV", subtype="FLOAT")
    return file.getvalue()


def analyzed(served: Served, wav: bytes, model: str) -> dict[str, float]:
    answer = httpx.post(
        f"{served.url}/v1/analyze",
        params={"model": model, "top_k": "all"},
        content=wav,
        headers={"content-type": "audio/wav"},
        timeout=60,
    )
    return {tag["label"]: tag["score"] for tag in answer.json()["results"][0]["tags"]}


def test_a_tiny_graph(served: Served, samples: Floats, wav: bytes) -> None:
    card = Registry([served.log.parent / "models"], served.log.parent, builtin=False).get("tiny-graph")
    patcher = Patcher(card.frontends["mel"], card.patch)
    windows = np.stack([window.samples for window in [*patcher.feed(samples), *patcher.finish()]])
    mels = LogMel(FrontendSpec.model_validate(MEL))(torch.from_numpy(windows)).numpy()
    assert mels.shape[1] == FRAMES
    wanted = expected(mels)[1].mean(axis=0)
    found = analyzed(served, wav, "tiny-graph")
    assert found == pytest.approx(dict(zip(card.labels, wanted.tolist(), strict=True)), abs=1e-5)


@pytest.mark.parametrize("model", ["tiny-graph", "yamnet"])
def test_all_protocols_say_the_same(served: Served, samples: Floats, wav: bytes, model: str) -> None:
    wanted = analyzed(served, wav, model)
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        request = pb.ModelInferRequest(model_name=model, raw_input_contents=[struct.pack("<I", len(wav)) + wav])
        request.inputs.add(name="audio", datatype="BYTES", shape=[1])
        answer = stub.ModelInfer(request, timeout=60)
        blobs = dict(zip([output.name for output in answer.outputs], answer.raw_output_contents, strict=True))
        request = pb.ModelInferRequest(model_name=model, outputs=[{"name": "scores"}])
        given = request.inputs.add(name="samples", datatype="FP32", shape=[1, len(samples)])
        given.contents.fp32_contents.extend(samples.tolist())
        given.parameters["sample_rate"].int64_param = RATE_HZ
        again = list(stub.ModelInfer(request, timeout=60).outputs[0].contents.fp32_contents)
    scores = np.frombuffer(blobs["scores"], "<f4").tolist()
    assert scores == again
    assert sorted(scores, reverse=True) == pytest.approx(sorted(wanted.values(), reverse=True), abs=1e-6)
    rest = httpx.get(f"{served.url}/v2/models/{model}").json()
    assert next(tensor["shape"] for tensor in rest["outputs"] if tensor["name"] == "scores") == [-1, len(wanted)]


def test_groups_of_yamnet(served: Served, wav: bytes) -> None:
    answer = httpx.post(
        f"{served.url}/v1/tags", params={"model": "yamnet"}, content=wav, headers={"content-type": "audio/wav"}
    ).json()
    card = Registry([], Path("nowhere")).get("yamnet")
    for tag in answer["results"][0]["tags"]:
        assert tag["label"] in card.groups[tag["group"]]
