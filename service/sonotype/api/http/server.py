"""How the app is served: uvicorn, with patience for slow clients only where they make progress."""

from __future__ import annotations

import asyncio

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from sonotype.api.http.live_socket import MAX_MESSAGE_BYTES, PING_EVERY_S, PONG_WITHIN_S, LiveSocket
from sonotype.core.settings import Settings

# A request line with its headers; h11 answers 400 beyond it.
MAX_HEAD_BYTES = 64 * 1024
HEAD_TIMEOUT_S = 10.0
# How long an idle connection may still bring a request when the server stops: one that is on its way is answered.
FAREWELL_S = 2.0


class ImpatientProtocol(H11Protocol):
    """Closes connections whose request head does not arrive in time; uvicorn itself would wait for ever.

    When the server stops, an idle connection is closed after `farewell_s`: uvicorn would close it at once, and a
    client whose request was on its way would get no answer at all.
    """

    head_timeout_s = HEAD_TIMEOUT_S
    farewell_s = FAREWELL_S
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Stop the clock with the last byte of a head, start it with the first byte of the next."""
        super().data_received(data)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_watch()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Answer a running request and close; close an idle connection when the farewell is over."""
        if self.cycle is None or self.cycle.response_complete:
            # timers come before what has arrived: one more turn lets a request in that is there already
            self.loop.call_later(self.farewell_s, self.loop.call_soon, self._close_idle)
        else:
            super().shutdown()

    def _close_idle(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def _watch_head(self) -> None:
        upgraded = self.transport.get_protocol() is not self  # to a WebSocket, which has a clock of its own
        waiting = self.cycle is None or self.cycle.response_complete
        if upgraded or not waiting:
            self._stop_watch()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_timeout_s, self._give_up)

    def _stop_watch(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        # an answer may have been completed since, and then keep-alive decides
        if not self.transport.is_closing() and self.timeout_keep_alive_task is None:
            self.transport.close()


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """The configuration of a server for the app.

    Our own layer logs requests, so uvicorn's access log, which shows whole URLs, is off; logging is set up by the
    composition root.
    """
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=ImpatientProtocol,
        ws=LiveSocket,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=PING_EVERY_S,
        ws_ping_timeout=PONG_WITHIN_S,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        timeout_graceful_shutdown=max(1, round(settings.drain_s)),
    )
