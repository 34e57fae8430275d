"""Answering before the upload is over, as a refusal does.

The connection is then closed, because the rest of the body would be taken for the next request. Closing a socket
with unread bytes makes the kernel send a reset, which may overtake the answer; so a little of the rest is read and
thrown away first.
"""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope, Send

LINGER_BYTES = 512 * 1024
LINGER_S = 0.5


class Lingering:
    """Wraps the two channels of one request and remembers whether the body has been read to its end."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        self._pending = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
        self._receive = receive
        self._send = send
        self._closing = False

    async def receive(self) -> Message:
        """Pass on a message of the client."""
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._pending = False
        return message

    async def send(self, message: Message) -> None:
        """Pass on a message of the app; at the end of an early answer, drain and close."""
        if message["type"] == "http.response.start" and self._pending:
            self._closing = True
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        if self._closing and message["type"] == "http.response.body" and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._drain()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _drain(self) -> None:
        n_bytes = 0
        try:
            async with asyncio.timeout(LINGER_S):
                while self._pending and n_bytes < LINGER_BYTES:
                    n_bytes += len((await self.receive()).get("body", b""))
        except TimeoutError:
            return
