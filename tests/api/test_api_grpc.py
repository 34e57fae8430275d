from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from conftest import IDLE_S, LIMIT_BYTES
from fakeplane import FakePlane
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from sonotype.api.grpc import GrpcServer
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeStub

OPTIONS = pb.AnalyzeRequest(options=pb.AnalyzeOptions())
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def chunk(data: bytes) -> pb.AnalyzeRequest:
    return pb.AnalyzeRequest(chunk=data)


async def failed(call: grpc.aio.StreamUnaryCall | grpc.aio.UnaryUnaryCall) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    trailers = dict(caught.value.trailing_metadata() or ())
    return caught.value.code().name, str(trailers.get("sonotype-code"))


async def test_request_id_comes_back(stub: SonotypeStub) -> None:
    call = stub.Analyze(iter([OPTIONS, chunk(b"RIFF")]), metadata=[("x-request-id", "mine")])
    assert (await call).request_id == "mine"
    assert dict(await call.trailing_metadata())["x-request-id"] == "mine"


async def test_timings_are_told(stub: SonotypeStub) -> None:
    answer = await stub.Analyze(iter([OPTIONS, chunk(b"RIFF")]))
    assert {"receive", "hash", "decode"} <= set(answer.timings_s)


async def test_chunks_are_joined_in_order(stub: SonotypeStub, plane: FakePlane) -> None:
    await stub.Analyze(iter([OPTIONS, *(chunk(bytes([i]) * i) for i in range(50))]))
    assert plane.calls[0][0].data == b"".join(bytes([i]) * i for i in range(50))


@pytest.mark.parametrize(
    "requests",
    [[], [chunk(b"RIFF")], [pb.AnalyzeRequest()], [OPTIONS, OPTIONS], [OPTIONS, chunk(b"RIFF"), OPTIONS]],
)
async def test_options_come_first_and_once(
    stub: SonotypeStub, plane: FakePlane, requests: list[pb.AnalyzeRequest]
) -> None:
    assert await failed(stub.Analyze(iter(requests))) == ("INVALID_ARGUMENT", "invalid_request")
    assert plane.calls == []


async def test_upload_is_cut_at_the_limit(stub: SonotypeStub, plane: FakePlane) -> None:
    sent = 0

    async def endless() -> AsyncIterator[pb.AnalyzeRequest]:
        nonlocal sent
        yield OPTIONS
        while True:
            yield chunk(bytes(64 * 1024))
            sent += 64 * 1024

    assert await failed(stub.Analyze(endless())) == ("INVALID_ARGUMENT", "upload_too_large")
    assert sent < LIMIT_BYTES + 16 * 2**20
    assert plane.held_bytes == 0


async def test_file_of_exactly_the_limit_in_one_message(stub: SonotypeStub, plane: FakePlane) -> None:
    await stub.Analyze(iter([OPTIONS, chunk(bytes(LIMIT_BYTES))]))
    assert len(plane.calls[0][0].data) == LIMIT_BYTES
    refused = await failed(stub.Analyze(iter([OPTIONS, chunk(bytes(LIMIT_BYTES + 1))])))
    assert refused == ("INVALID_ARGUMENT", "upload_too_large")


async def test_stalled_upload_is_let_go(stub: SonotypeStub, plane: FakePlane) -> None:
    async def trickle() -> AsyncIterator[pb.AnalyzeRequest]:
        yield OPTIONS
        while True:
            yield chunk(b"x")
            await asyncio.sleep(IDLE_S / 4)

    assert await failed(stub.Analyze(trickle())) == ("DEADLINE_EXCEEDED", "upload_timeout")
    assert plane.held_bytes == 0


async def test_all_uploads_together_are_bounded(stub: SonotypeStub, plane: FakePlane) -> None:
    plane.max_held_bytes = 10
    assert await failed(stub.Analyze(iter([OPTIONS, chunk(bytes(20))]))) == ("UNAVAILABLE", "overloaded")


async def test_a_defect_tells_nothing(stub: SonotypeStub, plane: FakePlane) -> None:
    plane.error = KeyError("/secret/path")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Analyze(iter([OPTIONS, chunk(b"RIFF")]))
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(caught.value)


async def test_unknown_model(stub: SonotypeStub) -> None:
    assert await failed(stub.GetModel(pb.GetModelRequest(name="none"))) == ("NOT_FOUND", "model_not_found")


@pytest.mark.parametrize("metadata", [[("authorization", "Bearer right")], [("x-api-key", "right")]])
async def test_a_known_key_is_let_in(stub: SonotypeStub, plane: FakePlane, metadata: list[tuple[str, str]]) -> None:
    plane.keys = frozenset({"right"})
    await stub.Analyze(iter([OPTIONS, chunk(b"RIFF")]), metadata=metadata)
    assert plane.calls[0][1].client == "client-right"


@pytest.mark.parametrize("metadata", [[], [("authorization", "Bearer wrong")], [("x-api-key", "")]])
async def test_others_are_kept_out(stub: SonotypeStub, plane: FakePlane, metadata: list[tuple[str, str]]) -> None:
    plane.keys = frozenset({"right"})
    expected = ("UNAUTHENTICATED", "unauthenticated")
    assert await failed(stub.Analyze(iter([OPTIONS, chunk(b"RIFF")]), metadata=metadata)) == expected
    assert await failed(stub.ListModels(pb.ListModelsRequest(), metadata=metadata)) == expected
    assert await failed(stub.GetModel(pb.GetModelRequest(name="fake"), metadata=metadata)) == expected
    assert plane.calls == []


async def test_health_follows_readiness(channel: grpc.aio.Channel, plane: FakePlane) -> None:
    plane.keys = frozenset({"right"})  # probes need none
    health = health_pb2_grpc.HealthStub(channel)
    for name in ("", "sonotype.v1.Sonotype"):
        assert (await health.Check(health_pb2.HealthCheckRequest(service=name))).status == SERVING
    plane.ready = False
    async with asyncio.timeout(5):
        while (await health.Check(health_pb2.HealthCheckRequest())).status != NOT_SERVING:
            await asyncio.sleep(0.05)


async def test_health_of_the_catalogue_waits_until_it_is_open(channel: grpc.aio.Channel, plane: FakePlane) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    plane.catalog_state = "opening"
    async with asyncio.timeout(5):
        for name in ("sonotype.v1.Catalog", "sonotype.v1.Taggers"):
            while (await health.Check(health_pb2.HealthCheckRequest(service=name))).status != NOT_SERVING:
                await asyncio.sleep(0.01)
    assert (await health.Check(health_pb2.HealthCheckRequest(service="sonotype.v1.Sonotype"))).status == SERVING


async def test_reflection_names_the_services(channel: grpc.aio.Channel) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async for answer in stub.ServerReflectionInfo(iter([request])):
        names = {service.name for service in answer.list_services_response.service}
    assert {"sonotype.v1.Sonotype", "grpc.health.v1.Health"} <= names


async def test_stop_lets_running_calls_finish(stub: SonotypeStub, grpc_server: GrpcServer, plane: FakePlane) -> None:
    async def slow() -> AsyncIterator[pb.AnalyzeRequest]:
        yield OPTIONS
        await asyncio.sleep(0.3)
        yield chunk(b"RIFF")

    call = asyncio.ensure_future(_finish(stub.Analyze(slow())))
    await asyncio.sleep(0.1)
    await grpc_server.stop(grace_s=5)
    assert (await call).clip.format == "wav"


async def _finish(call: grpc.aio.StreamUnaryCall) -> pb.AnalyzeResponse:
    return await call
