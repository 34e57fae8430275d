"""A job as server-sent events (HTML Living Standard, section 9.2)."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sonotype.api.http.leave import unless_client_leaves
from sonotype.api.http.render_jobs import job_body
from sonotype.api.job_params import FINAL, done
from sonotype.api.refusals import count_refusal
from sonotype.api.watch import watched
from sonotype.catalog.jobs.job import Job
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.port import Plane

log = structlog.get_logger("sonotype.http")
HEARTBEAT = b": still there\n\n"
# an EventSource that lost its connection waits so long before it asks again
RETRY_MS = 2000
_HEAD = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]


class JobEvents(Response):
    """Sends the job now and whenever it has moved; the last event is its final state.

    An event's id says how far the job is, so a client that comes back with `Last-Event-ID` is not told the same
    again. When it has seen the end it gets 204, at which an EventSource stops to reconnect.

    Args:
        request: which has no body.
        plane: whose job it is.
        job_id: of the job.
        last: the id of the last event that the client saw.
        stall_s: a client that takes no bytes for so long is let go.
    """

    def __init__(self, request: Request, plane: Plane, job_id: str, last: str | None, stall_s: float) -> None:
        super().__init__()
        self._request = request
        self._plane = plane
        self._job_id = job_id
        self._last = last
        self._stall_s = stall_s
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the job ends or the client leaves; before the first byte an error becomes a problem."""
        await self._request.body()  # so that what is received next is that the client left
        try:
            await unless_client_leaves(self._request, self._run(send))
        except SonotypeError as error:
            if not self._started:
                raise
            count_refusal(error.code)
            log.log(max(error.meaning.log_level, logging.INFO), "the events broke off", code=error.code.value)
            if error.code is not Code.CANCELLED:
                await self._end(send)

    async def _run(self, send: Send) -> None:
        async with aclosing(watched(self._plane, self._job_id)) as jobs:
            async for job in jobs:
                if job is not None and self._has_seen_the_end(job):
                    await Response(None, 204)(self._request.scope, self._request.receive, send)
                    return
                await self._start(send)
                if job is None:
                    await self._send(send, HEARTBEAT)
                elif event_id(job) != self._last:
                    self._last = event_id(job)
                    await self._send(send, event(job))
        await self._end(send)

    def _has_seen_the_end(self, job: Job) -> bool:
        return not self._started and job.state in FINAL and event_id(job) == self._last

    async def _start(self, send: Send) -> None:
        if not self._started:
            await send({"type": "http.response.start", "status": 200, "headers": _HEAD})
            self._started = True
            await self._send(send, f"retry: {RETRY_MS}\n\n".encode())

    async def _send(self, send: Send, data: bytes) -> None:
        try:
            async with asyncio.timeout(self._stall_s):
                await send({"type": "http.response.body", "body": data, "more_body": True})
        except TimeoutError:
            raise SonotypeError(Code.CANCELLED, f"The client took no bytes for {self._stall_s:g} s.") from None

    async def _end(self, send: Send) -> None:
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def event(job: Job) -> bytes:
    """One event: JSON holds no line break, so its data are one line."""
    return b"id: %s\nevent: job\ndata: %s\n\n" % (event_id(job).encode(), orjson.dumps(job_body(job)))


def event_id(job: Job) -> str:
    """How far a job is: another id, another state."""
    return f"{job.state.value}.{job.total if job.total is not None else '-'}.{done(job)}"
