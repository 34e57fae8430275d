"""A live session inside this process, or with a running service."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from sonotype.api.http.render_live import answer_body, done_body
from sonotype.api.listen_params import ListenParams
from sonotype.cli.document import Document
from sonotype.cli.local import open_plane, serving_only
from sonotype.cli.wiring import Wiring
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.plane.live.port import LiveSession
from sonotype.plane.live.query import ListenQuery


class Conversation(Protocol):
    """An open session; the messages are those of the WebSocket."""

    async def feed(self, data: bytes) -> None:
        """Send audio; waits while the session has enough."""

    async def end(self) -> None:
        """No more audio will come."""

    def messages(self) -> AsyncIterator[Document]:
        """Answers, then `done`. Raises `SonotypeError` where the session ends early."""


class _Local:
    """A session of a plane."""

    def __init__(self, session: LiveSession, query: ListenQuery) -> None:
        self._session = session
        self._query = query
        self.feed, self.end = session.feed, session.end

    async def messages(self) -> AsyncIterator[Document]:
        async for answer in self._session.answers():
            yield answer_body(answer, self._query)
        yield done_body(self._session)


class _Remote:
    """A session of a service."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def feed(self, data: bytes) -> None:
        await self._send(data)

    async def end(self) -> None:
        await self._send('{"end": true}')

    async def messages(self) -> AsyncIterator[Document]:
        try:
            async for text in self._socket:
                message: Document = json.loads(text)
                if "error" in message:
                    raise _error_of(message["error"])
                yield message
        except ConnectionClosed:
            raise SonotypeError(Code.UNAVAILABLE, "The connection broke off.") from None

    async def _send(self, data: bytes | str) -> None:
        try:
            await self._socket.send(data)
        except ConnectionClosed:
            return  # the last message, or the lack of one, says why


@asynccontextmanager
async def local(wired: Wiring, params: ListenParams) -> AsyncIterator[Conversation]:
    """A session in this process, for as long as the context is open."""
    query = params.query()
    settings = serving_only(Settings(), params.models)
    async with open_plane(wired, settings) as plane, plane.listen(query) as session:
        yield _Local(session, query)


@asynccontextmanager
async def remote(server: str, api_key: str | None, params: ListenParams) -> AsyncIterator[Conversation]:
    """A session of a running service, for as long as the context is open."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    address = server.rstrip("/").replace("http", "ws", 1) + "/v1/listen"
    try:
        async with connect(address, additional_headers=headers, compression=None, max_size=None) as socket:
            await socket.send(json.dumps(params.model_dump(mode="json", exclude_unset=True)))
            yield _Remote(socket)
    except (OSError, InvalidHandshake, InvalidURI) as error:
        detail = f"{server} cannot be reached ({type(error).__name__})."
        raise SonotypeError(Code.UNAVAILABLE, detail) from None


def _error_of(problem: Document) -> SonotypeError:
    try:
        return SonotypeError(Code(problem["code"]), str(problem["detail"]), retry_after_s=problem.get("retry_after_s"))
    except (ValueError, KeyError):
        return SonotypeError(Code.UNAVAILABLE, "The service ended the session without a reason we know.")
