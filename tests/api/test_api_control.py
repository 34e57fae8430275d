"""Loading, rolling back and unloading models: REST and gRPC say the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from fakeplane import FakePlane
from httpx import AsyncClient

from sonotype.api.grpc.gen import control_pb2 as ctl
from sonotype.api.grpc.gen.control_pb2_grpc import ModelControlStub


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> Any:
    return ModelControlStub(channel)


async def test_a_version_is_loaded_and_rolled_back(client: AsyncClient, plane: FakePlane) -> None:
    answer = await client.post("/v1/models/fake/load", json={"version": "2"})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["name"], body["version"], body["previous"], body["served"]) == ("fake", "2", "1", True)
    assert body == (await client.get("/v1/models/fake")).json() | {"previous": "1"}
    newest = (await client.post("/v1/models/fake/load")).json()
    assert (newest["version"], newest["previous"]) == ("3", "2")
    back = (await client.post("/v1/models/fake/rollback")).json()
    assert (back["version"], back["previous"]) == ("2", "3")


async def test_a_model_is_unloaded(client: AsyncClient) -> None:
    body = (await client.post("/v1/models/other/unload")).json()
    assert (body["served"], body["precision"], body["previous"]) == (False, None, "2")


@pytest.mark.parametrize(
    ("path", "sent", "status", "code"),
    [
        ("nobody/load", {}, 404, "model_not_found"),
        ("fake/load", {"json": {"version": "latest"}}, 400, "invalid_request"),
        ("fake/load", {"json": {"version": 2}}, 400, "invalid_request"),
        ("fake/load", {"json": {"versions": "2"}}, 400, "invalid_request"),
        ("fake/load", {"json": ["2"]}, 400, "invalid_request"),
        ("fake/load", {"content": b"2"}, 415, "unsupported_format"),
        ("fake/load?version=2", {}, 400, "invalid_request"),
        ("fake/rollback", {}, 409, "conflict"),
        ("fake/unload", {}, 409, "conflict"),
        ("nobody/unload", {}, 404, "model_not_found"),
    ],
)
async def test_what_is_refused(path: str, sent: dict[str, Any], status: int, code: str, client: AsyncClient) -> None:
    answer = await client.post(f"/v1/models/{path}", **sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_deployment_may_forbid_it(client: AsyncClient, plane: FakePlane) -> None:
    plane.model_control = "none"
    for action in ("load", "rollback", "unload"):
        answer = await client.post(f"/v1/models/fake/{action}")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_keys_guard_it(client: AsyncClient, plane: FakePlane) -> None:
    plane.keys = frozenset({"secret"})
    assert (await client.post("/v1/models/fake/load")).status_code == 401
    assert (await client.post("/v1/models/fake/load", headers={"X-API-Key": "secret"})).status_code == 200


async def test_the_same_over_grpc(stub: Any) -> None:
    change = await stub.Load(ctl.LoadRequest(name="fake", version="2"))
    assert (change.model.version, change.previous) == ("2", "1")
    assert (await stub.Load(ctl.LoadRequest(name="fake"))).model.version == "3"
    change = await stub.Rollback(ctl.RollbackRequest(name="fake"))
    assert (change.model.version, change.previous) == ("2", "3")
    assert not (await stub.Unload(ctl.UnloadRequest(name="other"))).model.served


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda stub: stub.Load(ctl.LoadRequest(name="nobody")), grpc.StatusCode.NOT_FOUND),
        (lambda stub: stub.Load(ctl.LoadRequest(name="fake", version="latest")), grpc.StatusCode.INVALID_ARGUMENT),
        (lambda stub: stub.Rollback(ctl.RollbackRequest(name="fake")), grpc.StatusCode.FAILED_PRECONDITION),
        (lambda stub: stub.Unload(ctl.UnloadRequest(name="fake")), grpc.StatusCode.FAILED_PRECONDITION),
    ],
)
async def test_what_is_refused_over_grpc(
    ask: Callable[[Any], Awaitable[Any]], status: grpc.StatusCode, stub: Any
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(stub)
    assert caught.value.code() is status
