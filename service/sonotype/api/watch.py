"""Watching a job, the same for every face."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from sonotype.catalog.jobs.job import Job
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.port import Plane

HEARTBEAT_S = 15.0
# how soon a watcher notices that the service stops, which must not wait for the end of a long job
LOOK_S = 1.0


async def watched(plane: Plane, job_id: str) -> AsyncGenerator[Job | None, None]:
    """The job now and whenever it has moved, until it ends; None after every `HEARTBEAT_S` seconds of quiet.

    Whoever stops to iterate must close it: then the plane's own iterator ends, too.

    Raises:
        SonotypeError: `not_found`; `draining` as soon as the service stops.
    """
    jobs = plane.catalog.watch_job(job_id)
    coming: asyncio.Future[Job | None] | None = None
    quiet_s = 0.0
    try:
        while True:
            coming = coming or asyncio.ensure_future(_next(jobs))
            if await _comes(coming, LOOK_S):
                job, coming, quiet_s = coming.result(), None, 0.0
                if job is None:
                    return
                yield job
                continue
            if (await plane.readiness()).draining:
                raise SonotypeError(Code.DRAINING, "The service is shutting down; the job goes on when it is back.")
            quiet_s += LOOK_S
            if quiet_s >= HEARTBEAT_S:
                quiet_s = 0.0
                yield None
    finally:
        await _close(jobs, coming)


async def _next(jobs: AsyncIterator[Job]) -> Job | None:
    return await anext(jobs, None)


async def _comes(coming: asyncio.Future[Any], within_s: float) -> bool:
    done, _ = await asyncio.wait({coming}, timeout=within_s)
    return bool(done)


async def _close(jobs: AsyncIterator[Job], coming: asyncio.Future[Any] | None) -> None:
    """A generator can be closed only when nobody waits for its next value."""
    if coming is not None:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
    close = getattr(jobs, "aclose", None)
    if close is not None:
        await close()
