"""The WebSocket of live sessions: who may open one, and how its connection is kept."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from fakeplane import FakePlane
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from sonotype.api.http.live_socket import LiveSocket
from sonotype.api.http.server import ImpatientProtocol
from sonotype.core.settings import Settings
from sonotype.plane.live.port import LiveAnswer, LiveModel, LiveScores
from sonotype.plane.live.query import ListenQuery

MODEL = LiveModel("fake@1", "multilabel", ("rock", "pop"), 1.0, 0.5)


class EchoSession:
    """Answers every chunk with its length."""

    models = (MODEL,)
    over = False

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.audio_s = 0.0
        self.n_answers = 0

    async def feed(self, data: bytes) -> None:
        await self._queue.put(data)

    async def end(self) -> None:
        await self._queue.put(None)

    async def answers(self) -> AsyncIterator[LiveAnswer]:
        while (data := await self._queue.get()) is not None:
            self.n_answers += 1
            raw = np.array([0.75, 0.25], np.float32)
            yield LiveAnswer(float(len(data)), 0.0, 0.001, (LiveScores(MODEL, raw, raw),))


class LivePlane(FakePlane):
    def __init__(self, keys: frozenset[str] = frozenset()) -> None:
        super().__init__(keys)
        self.queries: list[ListenQuery] = []
        self.n_live = 0

    @asynccontextmanager
    async def listen(self, query: ListenQuery) -> AsyncIterator[EchoSession]:
        self.queries.append(query)
        self.n_live += 1
        try:
            yield EchoSession()
        finally:
            self.n_live -= 1


@pytest.fixture
async def plane() -> LivePlane:
    return LivePlane()


@pytest.fixture
def settings() -> Settings:
    return Settings(port=0, grpc_port=0)


@asynccontextmanager
async def session(port: int, options: dict[str, Any], **how: Any) -> AsyncIterator[ClientConnection]:
    async with connect(f"ws://127.0.0.1:{port}/v1/listen", compression=None, **how) as connection:
        await connection.send(json.dumps(options))
        yield connection


async def message(connection: ClientConnection) -> dict[str, Any]:
    return json.loads(await connection.recv())


async def test_it_answers_in_order_and_closes_well(port: int, plane: LivePlane) -> None:
    async with session(port, {"models": ["fake"], "top_k": 1, "hop_s": 0.5}) as connection:
        ready = (await message(connection))["ready"]
        assert ready["models"][0] == {
            "model": "fake@1",
            "task": "multilabel",
            "n_labels": 2,
            "patch_s": 1,
            "hop_s": 0.5,
        }
        await connection.send(b"abc")
        answer = await message(connection)
        assert answer["time_s"] == 3
        assert answer["models"] == [{"model": "fake@1", "tags": [{"label": "rock", "score": 0.75, "raw": 0.75}]}]
        await connection.send('{"end": true}')
        assert await message(connection) == {"done": {"audio_s": 0.0, "answers": 1}}
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
        assert closed.value.rcvd.code == 1000
    assert plane.queries[0].analysis.tail == "drop"


@pytest.mark.parametrize("way", ["bearer", "header", "message", "none", "wrong"])
async def test_keys_come_in_headers_or_in_the_first_message(port: int, plane: LivePlane, way: str) -> None:
    plane.keys = frozenset({"k"})
    headers = {"bearer": {"Authorization": "Bearer k"}, "header": {"X-API-Key": "k"}, "wrong": {"X-API-Key": "no"}}
    options = {"api_key": "k"} if way == "message" else {}
    async with session(port, options, additional_headers=headers.get(way)) as connection:
        first = await message(connection)
        if way in ("none", "wrong"):
            assert first["error"]["code"] == "unauthenticated"
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
            assert closed.value.rcvd.code == 1008
        else:
            assert "ready" in first


@pytest.mark.parametrize(("key", "allowed"), [(None, False), ("k", True)])
async def test_pages_of_others_need_a_key(port: int, plane: LivePlane, key: str | None, allowed: bool) -> None:
    plane.keys = frozenset({"k"} if key else ())
    options = {"api_key": key} if key else {}
    async with session(port, options, origin="https://elsewhere.example") as connection:
        assert ("ready" in await message(connection)) == allowed
    async with session(port, options, origin=f"http://127.0.0.1:{port}") as connection:
        assert "ready" in await message(connection)


@pytest.mark.parametrize("first", ["[]", "nonsense", "{", "1", b"\0\0", "[" * 100000])
async def test_a_first_message_that_is_no_object_is_refused(port: int, first: str | bytes) -> None:
    async with connect(f"ws://127.0.0.1:{port}/v1/listen") as connection:
        await connection.send(first)
        assert (await message(connection))["error"]["code"] == "invalid_request"


async def test_a_message_that_is_neither_audio_nor_the_end_is_refused(port: int) -> None:
    async with session(port, {}) as connection:
        await message(connection)
        await connection.send('{"stop": true}')
        assert (await message(connection))["error"]["code"] == "invalid_request"


async def test_a_message_that_is_too_large_closes_the_connection(port: int) -> None:
    async with session(port, {}) as connection:
        await message(connection)
        await connection.send(bytes(2**20 + 1))
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
        assert closed.value.rcvd.code == 1009


async def _told_in(connection: ClientConnection, pieces: list[bytes]) -> None:
    await connection.send(pieces)
    await connection.recv()


async def test_a_message_in_endless_pieces_closes_the_connection(port: int, plane: LivePlane) -> None:
    async with session(port, {}) as connection:
        await message(connection)
        await connection.send([b"a"] * 100)
        assert (await message(connection))["time_s"] == 100
        with pytest.raises(ConnectionClosed):
            await _told_in(connection, [b""] * 3000)
    await _until_left(plane)


async def test_who_pings_and_never_reads_is_given_up(port: int, plane: LivePlane) -> None:
    async with session(port, {}, ping_interval=None) as connection:
        await message(connection)
        connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.transport.pause_reading()
        ping = Frame(Opcode.PING, bytes(125)).serialize(mask=True) * 1000
        async with asyncio.timeout(60):
            while plane.n_live and not connection.transport.is_closing():
                connection.transport.write(ping)
                await asyncio.sleep(0)
        connection.transport.abort()
    await _until_left(plane)


async def test_the_clock_of_request_heads_does_not_end_a_session(
    monkeypatch: pytest.MonkeyPatch, app: FastAPI, port: int
) -> None:
    monkeypatch.setattr(ImpatientProtocol, "head_timeout_s", 0.05)
    async with session(port, {}) as connection:
        await message(connection)
        await asyncio.sleep(0.2)
        await connection.send(b"abc")
        assert (await message(connection))["time_s"] == 3


async def test_who_leaves_is_forgotten(port: int, plane: LivePlane) -> None:
    async with session(port, {}) as connection:
        await message(connection)
        assert plane.n_live == 1
        connection.transport.abort()
    await _until_left(plane)


async def test_who_answers_no_ping_is_forgotten(monkeypatch: pytest.MonkeyPatch, port: int, plane: LivePlane) -> None:
    given_up = []
    end = LiveSocket.keepalive_timeout

    def noted(self: LiveSocket) -> None:
        given_up.append(self)
        end(self)

    monkeypatch.setattr(LiveSocket, "keepalive_timeout", noted)
    async with session(port, {}, ping_interval=None) as connection:
        await message(connection)
        connection.transport.pause_reading()  # the kernel still acknowledges everything
        await _until_left(plane)
        connection.transport.abort()
    assert given_up


async def _until_left(plane: LivePlane) -> None:
    async with asyncio.timeout(30):
        while plane.n_live:
            await asyncio.sleep(0.01)
