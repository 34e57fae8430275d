"""Run the faces: listen, announce, serve until a signal, drain."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import webbrowser
from collections.abc import Iterator

import structlog
import uvicorn

from sonotype.api.grpc.server import create_grpc_server
from sonotype.api.http.app import create_app
from sonotype.api.http.server import server_config
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.plane.port import Plane

_log = structlog.get_logger(__name__)
_BACKLOG = 2048


async def run_faces(plane: Plane, settings: Settings, *, open_page: bool = False) -> None:
    """Serve REST and gRPC until SIGTERM or SIGINT, then finish what was admitted.

    Raises:
        SonotypeError: `invalid_request` where an address cannot be listened on.
    """
    stop = _stop_event()
    listener = _listen(settings.host, settings.port)
    grpc_server = create_grpc_server(plane, settings)
    http_server = _HttpServer(server_config(create_app(plane, settings), settings))
    try:
        await grpc_server.start()
    except RuntimeError:
        listener.close()
        raise _taken(settings.host, settings.grpc_port) from None
    serving = asyncio.create_task(http_server.serve(sockets=[listener]))
    _announce(settings, listener.getsockname()[1], grpc_server.port, open_page)
    await _until(stop, serving)
    _log.info("draining", seconds=settings.drain_s)
    plane.announce_drain()
    await asyncio.sleep(settings.drain_notice_s)
    plane.refuse_work()
    http_server.should_exit = True
    await asyncio.gather(serving, grpc_server.stop(settings.drain_s))
    _log.info("stopped")


class _HttpServer(uvicorn.Server):
    """Signals are ours to handle: two servers share this process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _stop_event() -> asyncio.Event:
    """Set by the first signal; further ones change nothing, for the drain is bounded anyway."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError:
        raise _taken(host, port) from None


def _taken(host: str, port: int) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, f"cannot listen on {host}:{port}: choose another port or host.")


def _announce(settings: Settings, port: int, grpc_port: int, open_page: bool) -> None:
    host = "localhost" if settings.host in ("127.0.0.1", "0.0.0.0", "::", "::1") else settings.host  # noqa: S104
    page = f"http://{host}:{port}"
    # the one line on stdout: for people, and for programs that asked for free ports
    print(f"Sonotype listens: page and REST {page} (docs at {page}/docs), gRPC {host}:{grpc_port}", flush=True)
    if open_page:
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(page)


async def _until(stop: asyncio.Event, serving: asyncio.Task[None]) -> None:
    """Wait for a signal, or for a server that ended by itself."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({stopping, serving}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
