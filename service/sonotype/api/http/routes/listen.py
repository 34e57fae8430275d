"""Live tagging over a WebSocket."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import orjson
import structlog
from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from sonotype.api.collect import Pace
from sonotype.api.http.live_socket import LEFT
from sonotype.api.http.problem import problem_body, retry_after
from sonotype.api.http.render_live import answer_body, done_body, ready_body
from sonotype.api.identity import api_key
from sonotype.api.listen_params import ListenParams
from sonotype.api.listening import LeftError, converse
from sonotype.api.options import parse_options
from sonotype.api.refusals import count_refusal
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.plane.live.port import LiveAnswer
from sonotype.plane.live.query import ListenQuery
from sonotype.plane.port import Plane
from sonotype.telemetry import metrics
from sonotype.telemetry.requests import request_scope

router = APIRouter()
log = structlog.get_logger("sonotype.websocket")
POLICY, DEFECT, LATER = 1008, 1011, 1013


@router.websocket("/v1/listen")
async def listen(socket: WebSocket) -> None:
    """Options first, as JSON, then audio in binary messages, then `{"end": true}`; answers as JSON, one per hop."""
    with request_scope(socket.headers.get("x-request-id")) as request_id:
        await socket.accept(headers=[(b"x-request-id", request_id.encode())])
        exchange = _Exchange(socket, request_id)
        why = await exchange.run()
        metrics.LIVE_ENDED.labels("websocket", why).inc()
        log.info("listened", why=why)


class _Exchange:
    """One connection."""

    def __init__(self, socket: WebSocket, request_id: str) -> None:
        self._socket = socket
        self._request_id = request_id
        self._plane: Plane = socket.app.state.plane
        self._settings: Settings = socket.app.state.settings
        self._left: asyncio.Event = socket.scope.get(LEFT) or asyncio.Event()

    async def run(self) -> str:
        """Hold the whole conversation; returns why it ended."""
        try:
            await self._converse()
            return "done"
        except (LeftError, WebSocketDisconnect):
            return "left"
        except SonotypeError as error:
            await self._refuse(error)
            return error.code.value
        except Exception:  # the request edge: a defect costs one session, never the process
            log.exception("unexpected error")
            await self._refuse(SonotypeError(Code.INTERNAL, "An unexpected error; please report the request id."))
            return Code.INTERNAL.value

    async def _converse(self) -> None:
        query = await self._query()
        async with self._plane.listen(query) as session:
            await self._send(ready_body(self._request_id, session))

            async def tell(answer: LiveAnswer) -> None:
                await self._send(answer_body(answer, query))

            stall_s = 3 * self._settings.upload_idle_timeout_s
            await converse(session, self._chunks(), tell, stall_s=stall_s, left=self._left)
            await self._send(done_body(session))
        await self._socket.close()

    async def _query(self) -> ListenQuery:
        """The first message: options, and the key of clients that cannot set headers, such as browsers."""
        first = await Pace(self._settings.upload_idle_timeout_s).wait(self._socket.receive)
        values = _json_of(first)
        key = api_key(self._socket.headers) or values.pop("api_key", None)
        if key is not None and not isinstance(key, str):
            raise SonotypeError(Code.INVALID_REQUEST, "api_key must be a string.")
        client = self._plane.authenticate(key)
        if client is None:
            _check_origin(self._socket)
        values.pop("api_key", None)
        return parse_options(ListenParams, values).query(client)

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                raise LeftError
            if message.get("bytes") is not None:
                yield message["bytes"]
            elif _json_of(message) == {"end": True}:
                return
            else:
                raise SonotypeError(Code.INVALID_REQUEST, 'After the options only audio and {"end": true} may follow.')

    async def _send(self, body: dict[str, Any]) -> None:
        await self._socket.send_text(orjson.dumps(body).decode())

    async def _refuse(self, error: SonotypeError) -> None:
        count_refusal(error.code)
        if error.meaning.log_level >= logging.WARNING and error.code is not Code.INTERNAL:
            log.log(error.meaning.log_level, "session failed", code=error.code.value, detail=error.detail)
        body = problem_body(error, self._request_id)
        if error.meaning.retryable:
            body["retry_after_s"] = retry_after(error)
        try:
            async with asyncio.timeout(1.0):
                await self._send({"error": body})
                await self._socket.close(_close_code(error), error.code.value)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            return  # nobody listens any more


def _json_of(message: Any) -> dict[str, Any]:
    """A message as a JSON object. Raises `invalid_request` for anything else."""
    if message["type"] == "websocket.disconnect":
        raise LeftError
    try:
        values = json.loads(message.get("text") or "")
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise SonotypeError(Code.INVALID_REQUEST, "This message must be a JSON object.")
    return values


def _check_origin(socket: WebSocket) -> None:
    """A service without keys listens to its own page, not to pages of others that a browser happens to show."""
    origin = socket.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != socket.headers.get("host"):
        raise SonotypeError(Code.FORBIDDEN, "Pages of other sites need an API key.")


def _close_code(error: SonotypeError) -> int:
    if error.meaning.retryable:
        return LATER
    return POLICY if error.meaning.http < 500 else DEFECT
