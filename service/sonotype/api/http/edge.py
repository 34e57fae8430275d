"""The outermost layer of the REST face: request id, metrics, one log line, and the last resort for defects."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sonotype.api.http.linger import Lingering
from sonotype.api.http.problem import error_response, unexpected
from sonotype.core.errors import draining
from sonotype.telemetry import metrics
from sonotype.telemetry.requests import request_scope

log = structlog.get_logger("sonotype.http")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LASTING = frozenset(
    {"/v1/analyze", "/v1/tags", "/v1/embeddings", "/v1/sonify", "/v1/tracks", "/v1/similar", "/v1/playlists"}
)
# paths with an id in them: how they begin, how they end, and their template
_LASTING_TEMPLATES = (
    ("/v1/tracks/", "/similar", "/v1/tracks/{track_id}/similar"),
    ("/v1/tracks/", "", "/v1/tracks/{track_id}"),
    ("/v1/jobs/", "/events", "/v1/jobs/{job_id}/events"),
    ("/v2/models/", "/infer", "/v2/models/{name}/infer"),
)
SECURITY = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]


class Edge:
    """ASGI middleware around the whole app.

    It is written against ASGI and not as a Starlette `BaseHTTPMiddleware`, which would hide from the routes that the
    client left.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        offered = dict(scope["headers"]).get(b"x-request-id")
        with request_scope(offered.decode("latin-1") if offered is not None else None) as request_id:
            await _Exchange(scope, send, request_id).run(self._app, receive)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self.scope = scope
        self.request_id = request_id
        self.status = 0
        self._send = send
        self._started_s = time.perf_counter()

    async def run(self, app: ASGIApp, receive: Receive) -> None:
        self.scope["sonotype.request_id"] = self.request_id
        lingering = Lingering(self.scope, receive, self._send_named)
        gauge = metrics.REQUESTS_IN_FLIGHT.labels(_lasting(self.scope["path"]))
        gauge.inc()
        try:
            await app(self.scope, lingering.receive, lingering.send)
        except asyncio.CancelledError:  # the time for draining is over
            if self.status:
                raise
            error = draining()
            answer = error_response(error, self.request_id, self.scope["path"])
            await answer(self.scope, lingering.receive, lingering.send)
        except Exception:  # noqa: BLE001 - the request edge: a defect costs one request, never the process
            await self._answer_defect(lingering.receive, lingering.send)
        finally:
            gauge.dec()
            self._account()

    async def _answer_defect(self, receive: Receive, send: Send) -> None:
        log.exception("unexpected error")
        if self.status:
            raise RuntimeError("the answer broke off")
        self.status = 500
        await unexpected(self.request_id, self.scope["path"])(self.scope, receive, send)

    async def _send_named(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (b"x-request-id", self.request_id.encode()), *SECURITY]
        await self._send(message)

    def _account(self) -> None:
        seconds = time.perf_counter() - self._started_s
        route = _route(self.scope)
        method = self.scope["method"] if self.scope["method"] in METHODS else "other"
        metrics.HTTP_REQUESTS.labels(route, method, str(self.status)).inc()
        metrics.REQUEST_SECONDS.labels(route).observe(seconds)
        facts: dict[str, Any] = {"route": route, "method": method, "status": self.status}
        log.info("request", **facts, seconds=round(seconds, 4))


def _lasting(path: str) -> str:
    """Label of the gauge, needed before a route is known: only these last long enough to be told apart."""
    if path in LASTING:
        return path
    fits = (template for start, end, template in _LASTING_TEMPLATES if path.startswith(start) and path.endswith(end))
    return next(fits, "other")


def _route(scope: Scope) -> str:
    """The template of the route: the path itself is the client's and must not become a label."""
    return str(getattr(scope.get("route"), "path", "none"))
