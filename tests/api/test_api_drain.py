"""What a client hears whose request is still running when the time for draining is over."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from sonotype.api.http.edge import Edge


async def cancelled_while_running(app: Any, path: str) -> list[Message]:
    """What the edge sends when the server cancels a request of `app`."""
    sent: list[Message] = []
    running = asyncio.Event()

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        await app(send)
        running.set()
        await asyncio.Event().wait()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": []}
    task = asyncio.create_task(Edge(inner)(scope, receive, send))
    await running.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return sent


async def nothing(send: Send) -> None:
    """Has not answered yet."""


async def begun(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


@pytest.mark.parametrize(("path", "field"), [("/v1/analyze", "detail"), ("/v2/models/fake/infer", "error")])
async def test_it_is_told_to_come_again(path: str, field: str) -> None:
    start, body = await cancelled_while_running(nothing, path)
    assert start["status"] == 503
    assert dict(start["headers"])[b"retry-after"] == b"2"
    assert json.loads(body["body"])[field] == "The service is shutting down."


async def test_an_answer_that_has_begun_breaks_off() -> None:
    assert [message["type"] for message in await cancelled_while_running(begun, "/v1/sonify")] == [
        "http.response.start"
    ]
