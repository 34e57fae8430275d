"""Uploads that are too large, too slow, malformed or hostile (cases 8, 9, 10 and 12), over real sockets."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from conftest import IDLE_S, LIMIT_BYTES
from fakeplane import FakePlane
from hypothesis import given
from hypothesis import strategies as st

from sonotype.api.http.linger import LINGER_BYTES
from sonotype.api.http.multipart import FilePart
from sonotype.api.http.server import ImpatientProtocol
from sonotype.core.errors import Code, SonotypeError

WAV = {"content-type": "audio/wav"}
CHUNK = bytes(64 * 1024)


async def raw_exchange(port: int, head: str, body: AsyncIterator[bytes]) -> tuple[int, dict[str, str], bytes, int]:
    """Speak HTTP by hand: status, headers, body and how many bytes of ours the server took before it hung up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{head}\r\nHost: x\r\n\r\n".encode())
    sending = asyncio.create_task(_send(writer, body))
    try:
        status_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        content = await reader.readexactly(int(headers["content-length"]))
        assert await _rest(reader) == b"", "the server closes the connection"
    finally:
        writer.close()
        sent = await sending
    return int(status_line.split()[1]), headers, content, sent


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:  # we were still sending: the answer came first, then the reset
        return b""


async def _send(writer: asyncio.StreamWriter, body: AsyncIterator[bytes]) -> int:
    sent = 0
    try:
        async for piece in body:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
    except ConnectionError:
        pass
    return sent


async def chunked(n_chunks: int) -> AsyncIterator[bytes]:
    for _ in range(n_chunks):
        yield f"{len(CHUNK):x}\r\n".encode() + CHUNK + b"\r\n"
    yield b"0\r\n\r\n"


async def test_endless_chunked_body_is_cut_at_the_limit(port: int, plane: FakePlane) -> None:
    head = "POST /v1/tags HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: audio/wav"
    status, headers, content, sent = await raw_exchange(port, head, chunked(300 * 16))
    assert status == 413
    assert json.loads(content)["code"] == "upload_too_large"
    assert headers["connection"] == "close"
    # what the server read, and what the buffers of both sockets hold (a few MB), but nowhere near 300 MB
    assert sent < LIMIT_BYTES + LINGER_BYTES + 16 * 2**20
    assert plane.calls == []
    assert plane.held_bytes == 0


async def test_a_form_is_cut_at_the_limit_too(port: int, plane: FakePlane) -> None:
    async def form() -> AsyncIterator[bytes]:
        part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        yield f"{len(part):x}\r\n".encode() + part + b"\r\n"
        async for piece in chunked(100 * 16):
            yield piece

    head = "POST /v1/tags HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: multipart/form-data; boundary=b"
    status, _, content, _ = await raw_exchange(port, head, form())
    assert (status, json.loads(content)["code"]) == (413, "upload_too_large")
    assert plane.held_bytes == 0


async def test_a_large_content_length_is_refused_before_the_body(port: int, plane: FakePlane) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        return
        yield b""

    head = f"POST /v1/tags HTTP/1.1\r\nContent-Length: {300 * 2**20}\r\nContent-Type: audio/wav\r\nExpect: 100-continue"
    status, headers, _, sent = await raw_exchange(port, head, nothing())
    assert (status, headers["connection"], sent) == (413, "close", 0)


@pytest.mark.parametrize("form", [False, True])
async def test_a_file_of_exactly_the_limit_is_taken(client: httpx.AsyncClient, plane: FakePlane, form: bool) -> None:
    data = bytes(LIMIT_BYTES)
    sent = {"files": {"file": ("x.wav", data)}} if form else {"content": data, "headers": WAV}
    assert (await client.post("/v1/tags", **sent)).status_code == 200
    one_more = {"files": {"file": ("x.wav", data + b"0")}} if form else {"content": data + b"0", "headers": WAV}
    assert (await client.post("/v1/tags", **one_more)).status_code == 413
    assert plane.peak_bytes == LIMIT_BYTES
    assert plane.held_bytes == 0


async def trickle() -> AsyncIterator[bytes]:
    while True:
        yield b"1\r\nx\r\n"
        await asyncio.sleep(IDLE_S / 4)


async def test_trickling_client_is_let_go_at_the_idle_limit(port: int, plane: FakePlane) -> None:
    head = "POST /v1/tags HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: audio/wav"
    started_s = time.perf_counter()
    status, headers, content, _ = await raw_exchange(port, head, trickle())
    assert (status, json.loads(content)["code"]) == (408, "upload_timeout")
    assert int(headers["retry-after"]) >= 1
    assert IDLE_S <= time.perf_counter() - started_s < IDLE_S + 2
    assert plane.held_bytes == 0


async def test_two_hundred_trickling_clients_do_not_stop_a_normal_one(port: int, plane: FakePlane) -> None:
    head = (
        b"POST /v1/tags HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: audio/wav\r\n\r\n1\r\nx\r\n"
    )
    slow = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(200)))
    for _, writer in slow:
        writer.write(head)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        answer = await client.post("/v1/tags", content=b"RIFF", headers=WAV)
    assert answer.status_code == 200
    statuses = await asyncio.gather(*(reader.readuntil(b"\r\n") for reader, _ in slow))
    assert {status.split()[1] for status in statuses} == {b"408"}
    for _, writer in slow:
        writer.close()
    assert plane.held_bytes == 0


async def test_steady_upload_may_last_longer_than_the_idle_limit(port: int, plane: FakePlane) -> None:
    async def steady() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield bytes(2048)
            await asyncio.sleep(IDLE_S / 4)

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        answer = await client.post("/v1/tags", content=steady(), headers=WAV)
    assert answer.status_code == 200
    assert len(plane.calls[0][0].data) == 8 * 2048


async def test_all_uploads_together_are_bounded(client: httpx.AsyncClient, plane: FakePlane) -> None:
    plane.max_held_bytes = 1000
    answer = await client.post("/v1/tags", content=bytes(2000), headers=WAV)
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "3"
    assert plane.held_bytes == 0


async def test_refused_callers_are_refused_before_their_body(port: int, plane: FakePlane) -> None:
    plane.keys = frozenset({"right"})
    head = "POST /v1/tags HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: audio/wav"
    status, headers, _, _ = await raw_exchange(port, head, chunked(300 * 16))
    assert (status, headers["connection"]) == (401, "close")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\0b.wav", "\N{MUSICAL SYMBOL G CLEF}" * 2500, "", 'x"; name="model']
)
async def test_file_name_means_nothing(
    client: httpx.AsyncClient, plane: FakePlane, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = await client.post("/v1/tags", files={"file": (name, b"RIFF", "audio/wav")})
    printed = capfd.readouterr()
    # the longest of these names does not fit into the header of a part
    assert answer.status_code in ({400} if len(name) > 1000 else {200, 400})
    for text in (answer.text, printed.out, printed.err):
        assert "passwd" not in text
        assert "\N{MUSICAL SYMBOL G CLEF}" not in text
    if answer.status_code == 200:
        assert plane.calls[0][0].data == b"RIFF"


@pytest.mark.parametrize("kind", ["fields", "files"])
async def test_form_of_a_thousand_parts_ends_at_the_second(
    client: httpx.AsyncClient, plane: FakePlane, kind: str
) -> None:
    if kind == "fields":
        answer = await client.post("/v1/tags", data={f"f{i}": "x" for i in range(1000)}, files={"file": b"RIFF"})
    else:
        answer = await client.post("/v1/tags", files=[("file", (f"{i}.wav", b"RIFF")) for i in range(1000)])
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert plane.calls == []


async def test_huge_header_line_is_refused(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Large: ")
    sending = asyncio.create_task(_send(writer, _repeat(b"a" * 65536, 17 * 16)))
    status = await reader.readuntil(b"\r\n")
    writer.close()
    await sending
    assert status.split()[1] in {b"400", b"431"}


async def test_head_that_never_ends_is_let_go(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImpatientProtocol, "head_timeout_s", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in (b"GET /livez HTTP/1.1\r\n", b"X-A: b\r\n"):
        writer.write(piece)
        await asyncio.sleep(0.1)
    async with asyncio.timeout(2):
        assert await reader.read() == b""
    writer.close()


async def test_head_in_pieces_is_served(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        for piece in (b"GET /livez HTTP/1.1\r\n", b"Host: x\r\n", b"\r\n"):
            writer.write(piece)
            await asyncio.sleep(0.02)
        assert b" 200 " in await reader.readuntil(b"ok\n")
    writer.close()


async def _repeat(piece: bytes, n: int) -> AsyncIterator[bytes]:
    for _ in range(n):
        yield piece


def part(name: str = "file", data: bytes = b"RIFF") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="x"\r\n\r\n'.encode() + data + b"\r\n"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", part() + b"--b--\r\n"),
        ("multipart/form-data; boundary=" + "b" * 1000, part()),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"--b--\r\n"),
        ("multipart/form-data; boundary=b", part()),
        ("multipart/form-data; boundary=b", part("audio") + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", b"junk" + part() + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nRIFF\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X: y\r\n" * 1000 + b"\r\nRIFF\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\nX: " + b"y" * 100_000 + b"\r\n\r\nRIFF\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", part() + b"--b--\r\n" + bytes(100_000)),
    ],
)
async def test_malformed_forms(client: httpx.AsyncClient, plane: FakePlane, content_type: str, body: bytes) -> None:
    answer = await client.post("/v1/tags", content=body, headers={"content-type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert plane.calls == []
    assert plane.held_bytes == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"content-type": "audio/mpeg"}, 200),
        ({"content-type": "Audio/X-Flac; rate=1"}, 200),
        ({"content-type": "video/webm"}, 200),
        ({"content-type": "application/ogg"}, 200),
        ({"content-type": "application/octet-stream"}, 200),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "application/json"}, 415),
        ({"content-type": "text/html"}, 415),
        ({"content-type": "audio/wav", "content-encoding": "gzip"}, 415),
    ],
)
async def test_kinds_of_bodies(client: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    answer = await client.post("/v1/tags", content=b"RIFF", headers=headers)
    assert answer.status_code == status
    if status == 415:
        assert answer.json()["code"] == "unsupported_format"


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 500), max_size=20))
def test_any_chunking_of_a_form_gives_the_same_file(data: bytes, cuts: list[int]) -> None:
    body = part(data=data.replace(b"\r\n--b", b"")) + b"--b--\r\n"
    got = bytearray()
    form = FilePart("multipart/form-data; boundary=b", got.extend)
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    for start, end in itertools.pairwise(edges):
        form.feed(body[start:end])
    form.finish()
    assert bytes(got) == data.replace(b"\r\n--b", b"")


@given(body=st.binary(max_size=400))
def test_no_form_raises_anything_but_our_error(body: bytes) -> None:
    form = FilePart("multipart/form-data; boundary=b", lambda _: None)
    codes = []
    try:
        form.feed(b"--b" + body)
        form.finish()
    except SonotypeError as error:
        codes.append(error.code)
    assert codes in ([], [Code.INVALID_REQUEST])
