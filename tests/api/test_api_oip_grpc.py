"""The Open Inference Protocol over gRPC: the same answers as over REST."""

from __future__ import annotations

import struct
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from fakeplane import FakePlane

from sonotype.api.grpc.gen import grpc_service_pb2 as pb
from sonotype.api.grpc.gen.grpc_service_pb2_grpc import GRPCInferenceServiceStub
from sonotype.api.oip.describe import EXTENSIONS
from sonotype.core.errors import Code, SonotypeError

DATA = bytes(range(256)) * 40


@pytest.fixture
def oip(channel: grpc.aio.Channel) -> GRPCInferenceServiceStub:
    return GRPCInferenceServiceStub(channel)


def parameter(value: Any) -> pb.InferParameter:
    kind = {bool: "bool_param", int: "int64_param", str: "string_param", float: "double_param"}[type(value)]
    return pb.InferParameter(**{kind: value})


def asked(*files: bytes, raw: bool = True, outputs: Any = (), **parameters: Any) -> pb.ModelInferRequest:
    request = pb.ModelInferRequest(model_name="fake", id="x", outputs=outputs)
    given = request.inputs.add(name="audio", datatype="BYTES", shape=[len(files)])
    if raw:
        request.raw_input_contents.append(b"".join(struct.pack("<I", len(file)) + file for file in files))
    else:
        given.contents.bytes_contents.extend(files)
    for name, value in parameters.items():
        request.parameters[name].CopyFrom(parameter(value))
    return request


async def test_health_and_metadata(oip: GRPCInferenceServiceStub, client: httpx.AsyncClient, plane: FakePlane) -> None:
    assert (await oip.ServerLive(pb.ServerLiveRequest())).live
    assert (await oip.ServerReady(pb.ServerReadyRequest())).ready
    assert (await oip.ModelReady(pb.ModelReadyRequest(name="fake", version="1"))).ready
    server = await oip.ServerMetadata(pb.ServerMetadataRequest())
    assert (server.name, tuple(server.extensions)) == ("sonotype", EXTENSIONS)
    for name in ("fake", "other", "pecmae", "mood"):
        rest = (await client.get(f"/v2/models/{name}")).json()
        rpc = await oip.ModelMetadata(pb.ModelMetadataRequest(name=name))
        assert (rpc.name, list(rpc.versions), rpc.platform) == (rest["name"], rest["versions"], rest["platform"])
        for side in ("inputs", "outputs"):
            found = [{"name": t.name, "datatype": t.datatype, "shape": list(t.shape)} for t in getattr(rpc, side)]
            assert found == rest[side]
    index = (await oip.RepositoryIndex(pb.RepositoryIndexRequest())).models
    rest = (await client.post("/v2/repository/index")).json()
    assert [(it.name, it.version, it.state, it.reason) for it in index] == [tuple(row.values()) for row in rest]
    await plane.unload_model("other")
    ready = (await oip.RepositoryIndex(pb.RepositoryIndexRequest(ready=True))).models
    assert "other" not in [it.name for it in ready]
    rest = (await client.post("/v2/repository/index", json={"ready": True})).json()
    assert [it.name for it in ready] == [row["name"] for row in rest]
    assert not (await oip.ModelReady(pb.ModelReadyRequest(name="other"))).ready


@pytest.mark.parametrize("raw", [True, False])
async def test_the_same_as_over_rest(
    oip: GRPCInferenceServiceStub, client: httpx.AsyncClient, plane: FakePlane, raw: bool
) -> None:
    files = [DATA, DATA[:500]]
    rpc = await oip.ModelInfer(asked(*files, raw=raw, hop_s=0.5, quality="fast", cache="bypass"))
    blob = b"".join(struct.pack("<I", len(file)) + file for file in files)
    head = (
        b'{"inputs": [{"name": "audio", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": %d}}],'
        b' "parameters": {"hop_s": 0.5, "quality": "fast", "cache": "bypass"}}' % len(blob)
    )
    headers = {"inference-header-content-length": str(len(head))}
    rest = (await client.post("/v2/models/fake/infer", content=head + blob, headers=headers)).json()
    assert plane.calls[:2] == plane.calls[2:]
    assert (rpc.model_name, rpc.model_version, rpc.id) == (rest["model_name"], rest["model_version"], "x")
    for place, (ours, theirs) in enumerate(zip(rpc.outputs, rest["outputs"], strict=True)):
        assert (ours.name, ours.datatype, list(ours.shape)) == tuple(theirs[k] for k in ("name", "datatype", "shape"))
        if ours.datatype == "BYTES":
            wanted = [label.encode() for label in theirs["data"]]
            if raw:
                wanted_raw = b"".join(struct.pack("<I", len(label)) + label for label in wanted)
                assert rpc.raw_output_contents[place] == wanted_raw
            else:
                assert list(ours.contents.bytes_contents) == wanted
        else:
            data = np.frombuffer(rpc.raw_output_contents[place], "<f4") if raw else ours.contents.fp32_contents
            np.testing.assert_allclose(np.array(data), theirs["data"], rtol=1e-6)


async def test_samples(oip: GRPCInferenceServiceStub, client: httpx.AsyncClient, plane: FakePlane) -> None:
    request = pb.ModelInferRequest(model_name="fake", outputs=[{"name": "scores"}])
    given = request.inputs.add(name="samples", datatype="FP32", shape=[1, 3])
    given.contents.fp32_contents.extend([0.0, 0.5, -0.25])
    given.parameters["sample_rate"].CopyFrom(parameter(8000))
    rpc = await oip.ModelInfer(request)
    assert list(rpc.outputs[0].shape) == [1, 8]
    rows = {"name": "samples", "datatype": "FP32", "shape": [1, 3], "data": [0.0, 0.5, -0.25]}
    await client.post("/v2/models/fake/infer", json={"inputs": [rows], "parameters": {"sample_rate": 8000}})
    assert plane.calls[0][0] == plane.calls[1][0]


async def test_best_classes(oip: GRPCInferenceServiceStub) -> None:
    wanted = pb.ModelInferRequest.InferRequestedOutputTensor(name="scores")
    wanted.parameters["classification"].CopyFrom(parameter(3))
    (output,) = (await oip.ModelInfer(asked(DATA, raw=False, outputs=[wanted]))).outputs
    assert (output.datatype, list(output.shape)) == ("BYTES", [1, 3])
    scores = [float(element.split(b":")[0]) for element in output.contents.bytes_contents]
    assert scores == sorted(scores, reverse=True)


async def test_errors(oip: GRPCInferenceServiceStub, plane: FakePlane) -> None:
    async def status(request: pb.ModelInferRequest) -> tuple[grpc.StatusCode, str]:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await oip.ModelInfer(request)
        return caught.value.code(), str(caught.value.details())

    invalid, missing = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND
    unknown = asked(DATA)
    unknown.model_name = "nothing"
    assert (await status(unknown))[0] is missing
    doubled = asked(DATA)
    doubled.inputs[0].contents.bytes_contents.append(DATA)
    assert await status(doubled) == (
        invalid,
        "raw_input_contents holds the bytes of every input, which then has no contents.",
    )
    misplaced = pb.ModelInferRequest(model_name="fake")
    misplaced.inputs.add(name="audio", datatype="BYTES", shape=[1]).contents.fp32_contents.append(1.0)
    assert (await status(misplaced))[0] is invalid
    assert (await status(pb.ModelInferRequest(model_name="fake")))[0] is invalid
    vast = asked(DATA)
    vast.inputs[0].shape[:] = [2**62] * 200_000  # their product alone would take hours
    assert await status(vast) == (invalid, "The shape of 'audio' has more than 8 axes.")
    assert await status(asked(*[b""] * 65)) == (invalid, "A request has 1 to 64 items.")
    assert (await status(asked(DATA, colour="red")))[0] is invalid
    assert (await status(asked(DATA, outputs=[{"name": "nothing"}])))[0] is invalid
    plane.error = SonotypeError(Code.UNDECODABLE, "It cannot be decoded.")
    assert await status(asked(DATA)) == (grpc.StatusCode.INVALID_ARGUMENT, "It cannot be decoded.")
    assert (await status(asked(DATA, DATA)))[1] == "Item 0: It cannot be decoded."
    plane.keys = frozenset({"secret"})
    assert (await status(asked(DATA)))[0] is grpc.StatusCode.UNAUTHENTICATED
    assert (await oip.ServerLive(pb.ServerLiveRequest())).live
    assert plane.held_bytes == 0
