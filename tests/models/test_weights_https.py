"""Fetching over HTTP(S): resume, changed files, broken connections, wrong hashes, mirrors."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from bundles import sha256
from file_server import FileServer, Handler, cut_after, serving, status

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.weights import https
from sonotype.models.weights.https import fetch

DATA = random.Random(7).randbytes(300_000)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(DATA) as files:
        yield files


def get(server: FileServer, target: Path, **options: Any) -> None:
    fetch([server.url], sha256(DATA), target, backoff_s=0.01, **options)


def refused(code: Code, *args: Any, **options: Any) -> str:
    with pytest.raises(SonotypeError) as caught:
        fetch(*args, backoff_s=0.01, **options)
    assert caught.value.code is code
    return caught.value.detail


def leftovers(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_fetches_and_tells_how_far_it_is(server: FileServer, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    get(server, tmp_path / "file", progress=lambda *step: seen.append(step))
    assert (tmp_path / "file").read_bytes() == DATA
    assert leftovers(tmp_path / "file") == ["file"]
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert seen[-1] == ("download", len(DATA), len(DATA))
    assert server.requests[0]["accept-encoding"] == "identity"


def test_a_broken_connection_is_continued(server: FileServer, tmp_path: Path) -> None:
    server.script = [cut_after(100_000)]
    seen: list[int] = []
    get(server, tmp_path / "file", progress=lambda _, done, total: seen.append(done))
    assert (tmp_path / "file").read_bytes() == DATA
    assert server.ranges() == [None, "bytes=100000-"]
    assert server.requests[1]["if-range"] == '"one"'
    assert seen == sorted(seen)


def test_a_later_call_continues_what_an_earlier_one_left(server: FileServer, tmp_path: Path) -> None:
    server.script = [cut_after(120_000)]
    assert "1 tries" in refused(Code.SOURCE_UNREACHABLE, [server.url], sha256(DATA), tmp_path / "file", tries=1)
    assert leftovers(tmp_path / "file") == ["file.part", "file.part.json"]
    get(server, tmp_path / "file")
    assert server.ranges() == [None, "bytes=120000-"]
    assert (tmp_path / "file").read_bytes() == DATA


def test_a_changed_file_starts_over(server: FileServer, tmp_path: Path) -> None:
    old = random.Random(8).randbytes(200_000)
    server.data, server.script = old, [cut_after(150_000)]

    def changed(handler: Handler) -> None:
        server.data, server.etag = DATA, '"two"'
        handler.begin(503, 0)

    server.script.append(changed)
    get(server, tmp_path / "file")
    assert server.ranges() == [None, "bytes=150000-", "bytes=150000-"]
    assert (tmp_path / "file").read_bytes() == DATA


def test_without_an_etag_the_date_vouches(server: FileServer, tmp_path: Path) -> None:
    server.etag, server.last_modified = 'W/"weak"', "Sun, 01 Nov 2026 10:00:00 GMT"
    server.script = [cut_after(50_000)]
    get(server, tmp_path / "file")
    assert server.ranges() == [None, "bytes=50000-"]
    assert server.requests[1]["if-range"] == server.last_modified


def test_without_any_validator_nothing_is_continued(server: FileServer, tmp_path: Path) -> None:
    server.etag = ""
    server.script = [cut_after(50_000)]
    get(server, tmp_path / "file")
    assert server.ranges() == [None, None]
    assert (tmp_path / "file").read_bytes() == DATA


def test_a_part_from_another_address_is_not_continued(server: FileServer, tmp_path: Path) -> None:
    server.script = [cut_after(50_000)]
    refused(Code.SOURCE_UNREACHABLE, [server.url + "/a"], sha256(DATA), tmp_path / "file", tries=1)
    get(server, tmp_path / "file")
    assert server.ranges() == [None, None]


def test_a_server_that_sends_the_wrong_part(server: FileServer, tmp_path: Path) -> None:
    def other_part(handler: Handler) -> None:
        handler.begin(206, 10, Content_Range=f"bytes 10-19/{len(DATA)}")
        handler.wfile.write(DATA[10:20])

    server.script = [cut_after(50_000), other_part]
    get(server, tmp_path / "file")
    assert server.ranges() == [None, "bytes=50000-", None]


def test_pieces_that_do_not_fit_are_fetched_anew(server: FileServer, tmp_path: Path) -> None:
    """The validator held and yet the bytes changed: a fresh try decides."""

    def wrong_rest(handler: Handler) -> None:
        handler.begin(206, 250_000, Content_Range=f"bytes 50000-{len(DATA) - 1}/{len(DATA)}")
        handler.wfile.write(bytes(250_000))

    server.script = [cut_after(50_000), wrong_rest]
    get(server, tmp_path / "file")
    assert server.ranges() == [None, "bytes=50000-", None]
    assert (tmp_path / "file").read_bytes() == DATA


def test_a_refused_range_starts_over(server: FileServer, tmp_path: Path) -> None:
    server.script = [cut_after(50_000), status(416)]
    get(server, tmp_path / "file")
    assert server.ranges() == [None, "bytes=50000-", None]


def test_a_place_that_no_number_can_say(server: FileServer, tmp_path: Path) -> None:
    def nowhere(handler: Handler) -> None:
        handler.begin(206, 10, Content_Range=f"bytes {'9' * 5000}-19/{len(DATA)}")
        handler.wfile.write(DATA[10:20])

    server.script = [cut_after(50_000), nowhere]
    get(server, tmp_path / "file")
    assert server.ranges() == [None, "bytes=50000-", None]


def test_a_server_that_drips_is_left_and_continued(
    monkeypatch: pytest.MonkeyPatch, server: FileServer, tmp_path: Path
) -> None:
    monkeypatch.setattr(https, "_LONGEST_DRIP_S", 0.2)
    monkeypatch.setattr(https, "_LEAST_BYTES_PER_S", 5_000)

    def drip(handler: Handler) -> None:
        handler.begin(200, len(DATA))
        with suppress(OSError):  # until we hang up
            for place in range(10_000):
                handler.wfile.write(DATA[place : place + 1])
                handler.wfile.flush()
                time.sleep(0.002)

    server.script = [drip]
    get(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == DATA
    first, rest = server.ranges()
    assert first is None
    assert rest is not None  # what had come is kept


def test_the_length_in_the_header_is_not_believed(server: FileServer, tmp_path: Path) -> None:
    def too_long(handler: Handler) -> None:
        handler.begin(200, len(DATA) + 5)
        handler.wfile.write(DATA)
        handler.close_connection = True

    def too_short(handler: Handler) -> None:
        handler.begin(200, 1000)
        handler.wfile.write(DATA)

    server.script = [too_long] * 2
    detail = refused(Code.SOURCE_UNREACHABLE, [server.url], sha256(DATA), tmp_path / "a", tries=2)
    assert "127.0.0.1" in detail
    server.script = [too_short]
    refused(Code.WEIGHTS_CORRUPT, [server.url], sha256(DATA), tmp_path / "b")
    assert not (tmp_path / "b.part").exists()


def test_a_wrong_hash_leaves_nothing(server: FileServer, tmp_path: Path) -> None:
    detail = refused(Code.WEIGHTS_CORRUPT, [server.url], sha256(b"other"), tmp_path / "file")
    assert "not the one" in detail
    assert leftovers(tmp_path / "file") == []
    assert len(server.requests) == 1


def test_a_missing_file_is_not_asked_for_twice(server: FileServer, tmp_path: Path) -> None:
    server.script = [status(404)] * 4
    assert "404" in refused(Code.SOURCE_UNREACHABLE, [server.url], sha256(DATA), tmp_path / "file")
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_passing_fault_is_waited_out(server: FileServer, tmp_path: Path, code: int) -> None:
    server.script = [status(code)] * 2
    get(server, tmp_path / "file")
    assert len(server.requests) == 3
    assert (tmp_path / "file").read_bytes() == DATA


def test_tries_have_an_end(server: FileServer, tmp_path: Path) -> None:
    server.script = [status(500)] * 9
    assert "3 tries" in refused(Code.SOURCE_UNREACHABLE, [server.url], sha256(DATA), tmp_path / "file", tries=3)
    assert len(server.requests) == 3


def test_the_next_address_helps(server: FileServer, tmp_path: Path) -> None:
    with serving(b"something else") as wrong:
        gone = "http://127.0.0.1:9/closed"
        fetch([gone, wrong.url, server.url], sha256(DATA), tmp_path / "file", backoff_s=0.01, tries=2)
        assert (tmp_path / "file").read_bytes() == DATA
        # a wrong file is graver than a silent server, whatever the order
        refused(Code.WEIGHTS_CORRUPT, [wrong.url, gone], sha256(DATA), tmp_path / "other", tries=1)


def test_too_many_bytes_are_cut_off(server: FileServer, tmp_path: Path) -> None:
    detail = refused(Code.WEIGHTS_CORRUPT, [server.url], sha256(DATA), tmp_path / "file", max_bytes=1000)
    assert "more than 1000" in detail
    assert leftovers(tmp_path / "file") == []


@pytest.mark.parametrize("url", ["http://example.org/x", "ftp://127.0.0.1/x", "file:///etc/hosts", "", "http://[bad"])
def test_only_https(url: str, tmp_path: Path) -> None:
    refused(Code.SOURCE_UNREACHABLE, [url], sha256(DATA), tmp_path / "file")


def test_a_redirect_elsewhere_is_refused(server: FileServer, tmp_path: Path) -> None:
    server.script = [lambda handler: handler.begin(302, 0, Location="ftp://127.0.0.1/x")]
    refused(Code.SOURCE_UNREACHABLE, [server.url], sha256(DATA), tmp_path / "file", tries=1)


def test_redirects_are_followed(server: FileServer, tmp_path: Path) -> None:
    server.script = [lambda handler: handler.begin(302, 0, Location="/elsewhere")]
    get(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == DATA


def test_no_address_at_all(tmp_path: Path) -> None:
    assert "no address" in refused(Code.SOURCE_UNREACHABLE, [], sha256(DATA), tmp_path / "file")
