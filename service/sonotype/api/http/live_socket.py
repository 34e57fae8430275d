"""WebSocket connections: clients that vanish are forgotten soon, those that are slow are waited for."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

MAX_MESSAGE_BYTES: Final = 1 << 20
# Together less than two seconds, which is how soon a vanished client is forgotten.
PING_EVERY_S, PONG_WITHIN_S = 0.5, 1.25
# A timer that comes so much too late says that we were busy, not that the client is gone.
_LATE_S = 0.25
# How long an open connection may still be told why it ends when the server stops.
FAREWELL_S = 2.0
_CLOSE_WITHIN_S = 2.0
_KERNEL_BYTES: Final = 1 << 16
# No client that reads is ever so much behind, and none that sends audio cuts a message into so many pieces.
_MOST_UNREAD_BYTES: Final = 1 << 20
_MOST_FRAGMENTS: Final = 1024
LEFT: Final = "sonotype.left"

_log = logging.getLogger("sonotype.websocket")
_log.setLevel(logging.WARNING)  # what is below shows whole URLs


class LiveSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol with these differences.

    * Whatever a client sends is a sign of life. While we do not read, because it is ahead of us, it is not expected
      to give one.
    * A connection that is given up is aborted: its unread bytes would keep it open for as long as the kernel retries.
    * `scope["sonotype.left"]` is an event that is set when the connection is lost, also while nobody receives.
    * When the server stops, there is time for a last message.
    * What a client can make us keep is bounded also where it breaks no rule of the protocol.
    """

    farewell_s = FAREWELL_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = self.conn.logger = _log
        self.close_timeout = _CLOSE_WITHIN_S
        self._left = asyncio.Event()
        self._heard = 0.0
        self._pong_due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the kernel hold little: answers wait where they are counted, and a client ahead of us waits itself."""
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BYTES)

    def handle_connect(self, event: Request) -> None:
        """Tell the app where to learn of the loss."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope[LEFT] = self._left  # type: ignore[typeddict-unknown-key]

    def data_received(self, data: bytes) -> None:
        """Take the sign of life."""
        self._heard = self.loop.time()
        super().data_received(data)

    def handle_ping(self) -> None:
        """Answer, unless nobody reads the answers: they would be kept for ever."""
        super().handle_ping()
        if self.transport.get_write_buffer_size() > _MOST_UNREAD_BYTES:
            self.transport.abort()

    def handle_cont(self, event: Frame) -> None:
        """Take a piece of a message; pieces without bytes are counted by nobody else."""
        if len(self.frames) >= _MOST_FRAGMENTS:
            self.transport.abort()
        else:
            super().handle_cont(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the app."""
        self._left.set()
        super().connection_lost(exc)

    def send_keepalive_ping(self) -> None:
        """Ask for a sign of life."""
        super().send_keepalive_ping()
        self._pong_due = self.loop.time() + (self.ping_timeout or 0.0)

    def keepalive_timeout(self) -> None:
        """Give the client up, unless it has given another sign of life or could not."""
        now = self.loop.time()
        alive = self._heard >= self.ping_sent_at or self.read_paused
        if alive or now - self._pong_due > _LATE_S:
            self.pong_timer = None
            self.pending_ping_payload = None
            if not self.close_sent and not self.transport.is_closing():
                self.send_keepalive_ping() if not alive else self.schedule_ping()
            return
        super().keepalive_timeout()
        self.transport.abort()

    def shutdown(self) -> None:
        """Let the app say why, then close."""
        if self.transport.is_closing() or self._left.is_set():
            return
        self.loop.call_later(self.farewell_s, self._close_now)

    async def send(self, message: Any) -> None:
        """Pass on a message of the app; one that closes is the last, and the client has little time to agree."""
        await super().send(message)
        if message["type"] == "websocket.close" and self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def _close_now(self) -> None:
        if not self._left.is_set():
            super().shutdown()
            self.transport.abort()
