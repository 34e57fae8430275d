"""A client that leaves takes its work along (case 19, the half that concerns the faces)."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from fakeplane import FakePlane

from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeStub


async def test_rest_client_leaves_while_it_waits(port: int, plane: FakePlane) -> None:
    plane.hold = True
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v1/tags HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\nContent-Length: 4\r\n\r\nRIFF")
    await asyncio.wait_for(plane.started.wait(), 5)
    assert not plane.cancelled.is_set()
    writer.close()
    await asyncio.wait_for(plane.cancelled.wait(), 5)
    await asyncio.sleep(0)
    assert plane.held_bytes == 0


async def test_rest_client_leaves_during_its_upload(port: int, plane: FakePlane) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v1/tags HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\nContent-Length: 9999\r\n\r\nRIFF")
    async with asyncio.timeout(5):
        while plane.held_bytes == 0:
            await asyncio.sleep(0.01)
        writer.close()
        while plane.held_bytes:
            await asyncio.sleep(0.01)
    assert plane.calls == []


async def test_connection_serves_the_next_request(port: int, plane: FakePlane) -> None:
    """Watching for a disconnect must not eat the next request of a kept connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = b"POST /v1/tags HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\nContent-Length: 4\r\n\r\nRIFF"
    for _ in range(2):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head
        length = int(head.lower().split(b"content-length:")[1].split()[0])
        await reader.readexactly(length)
    writer.close()
    assert len(plane.calls) == 2


async def test_grpc_client_cancels(stub: SonotypeStub, plane: FakePlane) -> None:
    plane.hold = True
    call = stub.Analyze(iter([pb.AnalyzeRequest(options=pb.AnalyzeOptions()), pb.AnalyzeRequest(chunk=b"RIFF")]))
    await asyncio.wait_for(plane.started.wait(), 5)
    call.cancel()
    await asyncio.wait_for(plane.cancelled.wait(), 5)
    assert plane.held_bytes == 0


async def test_grpc_deadline_ends_the_work(stub: SonotypeStub, plane: FakePlane) -> None:
    plane.hold = True
    requests = iter([pb.AnalyzeRequest(options=pb.AnalyzeOptions()), pb.AnalyzeRequest(chunk=b"RIFF")])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Analyze(requests, timeout=0.5)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(plane.cancelled.wait(), 5)
    timeout_s = plane.calls[0][1].timeout_s
    assert timeout_s is not None
    assert 0 < timeout_s < 0.51
