from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import grpc
import httpx
import pytest
import structlog
import uvicorn
from fakeplane import FakePlane
from fastapi import FastAPI

from sonotype.api.grpc import GrpcServer, create_grpc_server
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeStub
from sonotype.api.http import create_app
from sonotype.api.http.server import server_config
from sonotype.core.settings import Settings

LIMIT_BYTES = 2**20
IDLE_S = 0.4

# the default shows the locals of every frame, the whole app among them, which takes seconds
structlog.configure(processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])


@pytest.fixture
def settings() -> Settings:
    return Settings(max_upload_bytes=LIMIT_BYTES, upload_idle_timeout_s=IDLE_S, port=0, grpc_port=0)


@pytest.fixture
async def plane() -> FakePlane:
    return FakePlane()


@pytest.fixture
def app(plane: FakePlane, settings: Settings) -> FastAPI:
    return create_app(plane, settings)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://sonotype") as made:
        yield made


@pytest.fixture
async def port(app: FastAPI, settings: Settings) -> AsyncIterator[int]:
    """Port of a real server: what concerns sockets cannot be seen through a transport in memory."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(app, settings))
    task = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    await task


@pytest.fixture
async def grpc_server(plane: FakePlane, settings: Settings) -> AsyncIterator[GrpcServer]:
    server = create_grpc_server(plane, settings)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def channel(grpc_server: GrpcServer) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{grpc_server.port}") as made:
        yield made


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> SonotypeStub:
    return SonotypeStub(channel)
