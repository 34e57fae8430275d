"""What the command line makes of the answers of a service, and of none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import httpx
import pytest

from sonotype.cli import job_calls
from sonotype.cli.job_calls import JobCalls
from sonotype.cli.rest import BrokenError, Rest
from sonotype.core.errors import Code, SonotypeError

T = TypeVar("T")


def ask(answer: Callable[[httpx.Request], httpx.Response], call: Callable[[Rest], Awaitable[T]]) -> T:
    """Call a service that answers like this."""

    async def asked() -> T:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://service") as client:
            return await call(Rest(client))

    return asyncio.run(asked())


@pytest.mark.parametrize(
    ("answer", "code", "detail", "retry_after_s"),
    [
        (
            httpx.Response(503, json={"code": "unavailable", "detail": "Not yet."}, headers={"Retry-After": "3"}),
            Code.UNAVAILABLE,
            "Not yet.",
            3.0,
        ),
        (httpx.Response(404, json={"code": "not_found", "detail": "Gone."}), Code.NOT_FOUND, "Gone.", None),
        (httpx.Response(502, text="<html>"), Code.UNAVAILABLE, "HTTP 502", None),
        (httpx.Response(500, json={"code": "unheard of", "detail": ""}), Code.UNAVAILABLE, "HTTP 500", None),
        (httpx.Response(500, json=[]), Code.UNAVAILABLE, "HTTP 500", None),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_refusals_keep_their_code(
    answer: httpx.Response, code: Code, detail: str, retry_after_s: float | None, streamed: bool
) -> None:
    async def call(rest: Rest) -> None:
        if not streamed:
            await rest.document("GET", "/v1/catalog")
        async with rest.stream("GET", "/v1/catalog"):
            raise AssertionError("an error is no answer")

    with pytest.raises(SonotypeError) as caught:
        ask(lambda request: answer, call)
    assert (caught.value.code, caught.value.retry_after_s) == (code, retry_after_s)
    assert detail in caught.value.detail


@pytest.mark.parametrize(("failure", "broken"), [(httpx.ConnectError, False), (httpx.ReadError, True)])
def test_no_answer_is_unavailable(failure: type[httpx.TransportError], broken: bool) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise failure("no")

    with pytest.raises(SonotypeError, match="http://service cannot be reached") as caught:
        ask(answer, lambda rest: rest.ask("GET", "/v1/catalog"))
    assert (caught.value.code, isinstance(caught.value, BrokenError)) == (Code.UNAVAILABLE, broken)


def test_watching_goes_on_after_a_broken_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_calls, "_AGAIN_S", 0.0)
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if len(asked) == 1:
            raise httpx.RemoteProtocolError("closed before the headers")
        return httpx.Response(200, content=_breaking() if len(asked) == 2 else b'data: {"final": true}\n\n')

    async def watched(rest: Rest) -> list[bool]:
        return [job["final"] async for job in JobCalls(rest).watch("a/b")]

    assert ask(answer, watched) == [False, True]
    assert len(asked) == 3


async def _breaking() -> AsyncIterator[bytes]:
    yield b'data: {"final": false}\n\n'
    raise httpx.ReadError("broke off")
