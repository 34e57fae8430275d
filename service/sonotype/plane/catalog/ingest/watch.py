"""A job as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from sonotype.catalog.jobs.job import Job
from sonotype.catalog.jobs.rows import FINAL
from sonotype.catalog.jobs.store import JobStore

_EVERY_S = 0.25


async def watch(store: JobStore, job_id: str) -> AsyncIterator[Job]:
    """The job now and whenever it has moved, at most four times a second, until it ends. Raises `not_found`."""
    seen: Job | None = None
    while True:
        job = await store.get(job_id)
        if job != seen:
            yield job
        if job.state in FINAL:
            return
        seen = job
        await asyncio.sleep(_EVERY_S)
