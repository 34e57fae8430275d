"""Sonifications on the REST face: what may be asked, how it is streamed, how it ends."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from unittest.mock import MagicMock

import httpx
import pytest
from conftest import IDLE_S, LIMIT_BYTES
from fakeplane import FakePlane

from sonotype.api.http import edge, schemas
from sonotype.api.http.intake import MAX_JSON_BYTES
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.sonification import PathQuery

URL = "/v1/sonify"
MIX = {"prototypes": [{"id": "pecmae.cello.0", "weight": 2}, {"id": "pecmae.flute.0"}]}
DATA = b"RIFF of sorts" * 100
WAV = {"content-type": "audio/wav"}


async def post(client: httpx.AsyncClient, body: Any) -> httpx.Response:
    return await client.post(URL, json=body)


async def test_answer_is_the_audio_with_its_facts(client: httpx.AsyncClient, plane: FakePlane) -> None:
    answer = await post(client, MIX | {"seed": 7})
    assert answer.status_code == 200
    assert answer.content == plane.sonified_bytes()
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["sonotype-model"] == "pecmae@1"
    assert answer.headers["sonotype-labels"] == "cello:0.912346"
    assert answer.headers["sonotype-seed"] == "7"
    assert answer.headers["sonotype-sample-rate"] == "16000"
    assert answer.headers["sonotype-duration"] == "4.096"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert plane.n_open == 0


async def test_every_option_reaches_the_plane(client: httpx.AsyncClient, plane: FakePlane) -> None:
    options = {"model": "pecmae", "seed": 3, "steps": 10, "guidance": 2.5, "format": "ogg", "timeout_s": 9}
    answer = await post(client, {"embedding": [0.5, 1, -2]} | options)
    assert "content-length" not in answer.headers
    query, upload = plane.sonify_calls[0]
    assert upload is None
    assert query.embedding == (0.5, 1.0, -2.0)
    assert (query.model, query.seed, query.steps, query.guidance) == ("pecmae", 3, 10, 2.5)
    assert (query.format, query.timeout_s, query.mixture, query.path) == ("ogg", 9.0, (), None)


async def test_a_mixture_and_a_path(client: httpx.AsyncClient, plane: FakePlane) -> None:
    path = {"to_label": "flute", "points": 3}
    answer = await post(client, MIX | {"path": path})
    assert answer.headers["sonotype-labels"] == "cello:0.912346, flute:0.456173, tenor%20saxophone:0.304115"
    query, _ = plane.sonify_calls[0]
    assert query.mixture == (("pecmae.cello.0", 2.0), ("pecmae.flute.0", 1.0))
    assert query.path == PathQuery("flute", None, 3)
    await post(client, {"path": {"from_label": "cello", "to_label": "flute"}})
    assert plane.sonify_calls[1][0].path == PathQuery("flute", "cello", 5)


async def test_an_upload_has_its_options_in_the_query(client: httpx.AsyncClient, plane: FakePlane) -> None:
    options = {"model": "pecmae", "seed": 4, "to_label": "cello", "points": 2, "format": "flac"}
    raw = await client.post(URL, content=DATA, headers=WAV, params=options)
    form = await client.post(URL, files={"file": ("a.wav", DATA, "audio/wav")}, params=options)
    assert raw.status_code == form.status_code == 200
    first, second = plane.sonify_calls
    assert first == second
    query, upload = first
    assert upload is not None
    assert upload.data == DATA
    assert (query.seed, query.path, query.format) == (4, PathQuery("cello", None, 2), "flac")
    assert plane.held_bytes == 0


async def test_the_sooner_deadline_counts_and_the_caller_is_known(client: httpx.AsyncClient, plane: FakePlane) -> None:
    plane.keys = frozenset({"right"})
    headers = {"x-request-timeout": "2.5", "x-api-key": "right"}
    await client.post(URL, json=MIX | {"timeout_s": 4}, headers=headers)
    await client.post(URL, content=DATA, params={"timeout_s": 1}, headers=headers | WAV)
    assert [(query.timeout_s, query.client) for query, _ in plane.sonify_calls] == [
        (2.5, "client-right"),
        (1.0, "client-right"),
    ]
    assert (await client.post(URL, json=MIX)).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"path": {"to_label": "cello"}},
        {"embedding": [1.0]} | MIX,
        {"embedding": [1.0], "path": {"from_label": "cello", "to_label": "flute"}},
        {"embedding": []},
        {"embedding": [1.0] * 4097},
        {"embedding": ["1"]},
        {"embedding": [True]},
        {"embedding": 1.0},
        {"prototypes": []},
        {"prototypes": [{"id": "a"}] * 65},
        {"prototypes": [{"id": "a", "weight": 0}]},
        {"prototypes": [{"id": "a", "weight": -1}]},
        {"prototypes": [{"id": "", "weight": 1}]},
        {"prototypes": [{"id": "a", "share": 1}]},
        {"path": {"from_label": "a", "to_label": "b", "points": 1}},
        {"path": {"from_label": "a", "to_label": "b", "points": 10}},
        MIX | {"seed": -1},
        MIX | {"seed": 2**31},
        MIX | {"seed": 1.5},
        MIX | {"steps": 0},
        MIX | {"steps": 101},
        MIX | {"guidance": -1},
        MIX | {"guidance": 10.5},
        MIX | {"format": "aiff"},
        MIX | {"timeout_s": 0},
        MIX | {"volume": 11},
        [],
        "cello",
        0,
    ],
)
async def test_bad_bodies_are_refused_before_work(client: httpx.AsyncClient, plane: FakePlane, body: Any) -> None:
    answer = await post(client, body)
    problem = schemas.Problem.model_validate(answer.json())
    assert (answer.status_code, problem.code) == (400, "invalid_request")
    assert len(problem.detail) < 300
    assert plane.sonify_calls == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"embedding": [NaN]}', "NaN"),
        (b'{"embedding": [-Infinity]}', "Infinity"),
        (b'{"embedding": [1e999]}', "finite"),
        (b'{"embedding": [1.0', "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
    ],
)
async def test_what_is_no_json_is_said_to_be_none(
    client: httpx.AsyncClient, plane: FakePlane, body: bytes, said: str
) -> None:
    answer = await client.post(URL, content=body, headers={"content-type": "application/json; charset=utf-8"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert said in answer.json()["detail"]
    assert plane.sonify_calls == []


async def test_limits_of_the_body(client: httpx.AsyncClient, plane: FakePlane) -> None:
    longest = json.dumps({"embedding": [-0.12345678901234567] * 4096})
    assert (await client.post(URL, content=longest, headers={"content-type": "application/json"})).status_code == 200
    large = b" " * (MAX_JSON_BYTES + 1)
    refused = await client.post(URL, content=large, headers={"content-type": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (413, "upload_too_large")
    upload = await client.post(URL, content=bytes(LIMIT_BYTES + 1), headers=WAV)
    assert (upload.status_code, upload.json()["code"]) == (413, "upload_too_large")
    packed = await client.post(URL, json=MIX, headers={"content-encoding": "gzip"})
    assert packed.status_code == 415


async def test_options_have_one_place(client: httpx.AsyncClient, plane: FakePlane) -> None:
    both = await client.post(URL, json=MIX, params={"seed": 1})
    assert (both.status_code, both.json()["code"]) == (400, "invalid_request")
    unknown = await client.post(URL, content=DATA, headers=WAV, params={"embedding": "1"})
    assert unknown.status_code == 400
    text = await client.post(URL, content=b"cello", headers={"content-type": "text/plain"})
    assert (text.status_code, text.json()["code"]) == (415, "unsupported_format")
    assert plane.sonify_calls == []


@pytest.mark.parametrize("fail_at", [None, 0])
async def test_errors_before_the_first_byte_are_problems(
    client: httpx.AsyncClient, plane: FakePlane, fail_at: int | None
) -> None:
    error = SonotypeError(Code.OVERLOADED, "Too much is being generated.", retry_after_s=3)
    if fail_at is None:
        plane.error = error
    else:
        plane.fail_at, plane.failure = fail_at, error
    answer = await client.post(URL, content=DATA, headers=WAV)
    problem = schemas.Problem.model_validate(answer.json())
    assert (answer.status_code, problem.code, answer.headers["retry-after"]) == (503, "overloaded", "3")
    assert plane.n_open == 0
    assert plane.held_bytes == 0


# --- over sockets: how an answer ends


async def test_bytes_come_while_more_are_generated(port: int, plane: FakePlane) -> None:
    plane.hold_at = 3
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        client.stream("POST", URL, json=MIX) as answer,
    ):
        assert answer.status_code == 200
        got = b""
        async for chunk in answer.aiter_raw():
            got += chunk
            if len(got) == 3 * plane.chunk_bytes:
                break
        assert plane.sonified_bytes().startswith(got)
        assert plane.n_open == 1
    await asyncio.wait_for(plane.left.wait(), 5)


@pytest.mark.parametrize("length_known", [True, False])
@pytest.mark.parametrize("failure", [SonotypeError(Code.UNAVAILABLE, "Gone."), KeyError("a defect")])
async def test_a_failure_under_way_is_never_a_short_file(
    port: int, plane: FakePlane, monkeypatch: pytest.MonkeyPatch, length_known: bool, failure: Exception
) -> None:
    logged = MagicMock()  # the console's rendering of so deep a traceback takes seconds
    monkeypatch.setattr(edge, "log", logged)
    plane.fail_at, plane.length_known, plane.failure = 3, length_known, failure
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(URL, json=MIX)
        assert plane.n_open == 0
        assert logged.exception.called is isinstance(failure, KeyError)
        plane.fail_at = None
        assert (await client.post(URL, json=MIX)).content == plane.sonified_bytes()


def request(kind: str, body: bytes) -> bytes:
    head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize("upload", [True, False])
@pytest.mark.parametrize("at", ["start", "stream"])
async def test_a_client_who_leaves_ends_the_work(port: int, plane: FakePlane, upload: bool, at: str) -> None:
    plane.hold = at == "start"
    plane.hold_at = 2
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b"RIFF" if upload else json.dumps(MIX).encode()
    kind = "audio/wav" if upload else "application/json"
    writer.write(request(kind, body))
    if at == "stream":
        await reader.readuntil(b"\r\n\r\n")
    await asyncio.wait_for(plane.started.wait(), 5)
    assert not plane.left.is_set()
    writer.close()
    await asyncio.wait_for(plane.left.wait(), 5)
    await asyncio.sleep(0.01)
    assert (plane.n_open, plane.held_bytes) == (0, 0)


async def test_a_client_who_does_not_read_is_let_go(port: int, plane: FakePlane) -> None:
    plane.n_chunks, plane.chunk_bytes = 400, 256 * 1024
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(request("application/json", json.dumps(MIX).encode()))
    await asyncio.wait_for(plane.left.wait(), 10 * IDLE_S)
    assert 0 < plane.n_sent < plane.n_chunks
    writer.close()


async def test_a_connection_serves_the_next_request(port: int, plane: FakePlane) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for body in (MIX, MIX | {"format": "mp3"}, MIX):
            assert (await client.post(URL, json=body)).content == plane.sonified_bytes()
        assert (await client.get("/livez")).status_code == 200
