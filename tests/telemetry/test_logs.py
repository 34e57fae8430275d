from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from sonotype.telemetry.logs import configure
from sonotype.telemetry.requests import request_id, request_scope

log = structlog.get_logger("test")


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_has_time_level_logger_and_fields(stream: io.StringIO) -> None:
    configure("json", "info", stream)
    log.info("answered", models=["a"], seconds=0.5)
    log.debug("not written")
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "answered", "level": "info", "logger": "test", "models": ["a"], "seconds": 0.5}


def test_the_standard_library_speaks_the_same_way(stream: io.StringIO) -> None:
    configure("json", "info", stream)
    logging.getLogger("uvicorn.error").warning("listening on %s", "port")
    logging.getLogger("uvicorn.access").info("GET /v1/tags?key=secret")
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("listening on port", "warning", "uvicorn.error")


async def test_the_request_id_follows_into_tasks_and_ends_with_the_scope(stream: io.StringIO) -> None:
    configure("json", "info", stream)

    async def work() -> None:
        log.info("inside")

    with request_scope("abc-1", route="/v1/tags") as chosen:
        task = asyncio.create_task(work())
    await task
    log.info("outside")
    inside, outside = lines(stream)
    assert chosen == inside["request_id"] == "abc-1"
    assert inside["route"] == "/v1/tags"
    assert "request_id" not in outside


def test_what_identifies_a_listener_is_hidden(stream: io.StringIO) -> None:
    configure("json", "info", stream)
    log.info("lost redis://user:p/w@host:1/0?x=1 again", filename="my song.mp3", Authorization="Bearer k", n=1)
    logging.getLogger("lib").warning("got %s", "https://host/a/b.mp3?sig=1")
    log.info("serving", url="http://127.0.0.1:8000/")
    text = stream.getvalue()
    for secret in ("p/w", "user", "song", "Bearer", "b.mp3", "sig", "x=1"):
        assert secret not in text
    first, second, third = lines(stream)
    assert first["event"] == "lost redis://host:1/[hidden] again"
    assert second["event"] == "got https://host/[hidden]"
    assert third["url"] == "http://127.0.0.1:8000"


@pytest.mark.parametrize("format_", ["json", "console"])
def test_exceptions_are_whole_and_show_no_local_variables(format_: Any, stream: io.StringIO) -> None:
    configure(format_, "info", stream)
    local = "k3y"
    try:
        raise ValueError("bad" + local[:0])
    except ValueError:
        log.exception("failed")
    assert "ValueError: bad" in stream.getvalue()
    assert "k3y" not in stream.getvalue().replace('local = "k3y"', "")


def test_auto_is_json_where_no_terminal_is(stream: io.StringIO) -> None:
    configure("auto", "debug", stream)
    log.debug("hello", odd={1, 2} and object)
    assert lines(stream)[0]["event"] == "hello"


@pytest.mark.parametrize("offered", [None, "", "x" * 65, "a b", "a\nb", "é", "<script>"])
def test_ids_that_could_do_harm_are_replaced(offered: str | None) -> None:
    assert len(request_id(offered)) == 32
    assert request_id("Req_1.2-3") == "Req_1.2-3"
