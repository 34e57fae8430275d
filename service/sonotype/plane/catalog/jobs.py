"""Where jobs are taken: the desk of this deployment, open or not."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NoReturn, Protocol

from sonotype.audio.tag_reader import TagReader
from sonotype.catalog.jobs.job import FileState, Job, JobFile, JobRequest
from sonotype.catalog.jobs.store import JobStore
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.plane.catalog.ingest.desk import JobDesk
from sonotype.plane.catalog.ingest.target import JobTarget

_log = logging.getLogger(__name__)


class Desk(Protocol):
    """The part of `CatalogPlane` that is about jobs."""

    async def create_job(self, request: JobRequest) -> Job:
        """Queue a job."""

    async def job(self, job_id: str) -> Job:
        """One job."""

    async def jobs(self, cursor: str | None, limit: int) -> tuple[list[Job], str | None]:
        """Jobs, newest first."""

    async def job_files(
        self, job_id: str, state: FileState | None, cursor: str | None, limit: int
    ) -> tuple[list[JobFile], str | None]:
        """Files of a job in its order."""

    async def cancel_job(self, job_id: str) -> Job:
        """Stop a job."""

    def watch_job(self, job_id: str) -> AsyncIterator[Job]:
        """The job now and whenever it has moved, until it ends."""


class ClosedDesk:
    """A desk whose file cannot be opened: the catalogue works without it. Everything raises `unavailable`."""

    async def create_job(self, request: JobRequest) -> Job:
        """Refuse."""
        _refuse()

    async def job(self, job_id: str) -> Job:
        """Refuse."""
        _refuse()

    async def jobs(self, cursor: str | None, limit: int) -> tuple[list[Job], str | None]:
        """Refuse."""
        _refuse()

    async def job_files(
        self, job_id: str, state: FileState | None, cursor: str | None, limit: int
    ) -> tuple[list[JobFile], str | None]:
        """Refuse."""
        _refuse()

    async def cancel_job(self, job_id: str) -> Job:
        """Refuse."""
        _refuse()

    def watch_job(self, job_id: str) -> AsyncIterator[Job]:
        """Refuse."""
        _refuse()


@asynccontextmanager
async def open_desk(folder: Path, target: JobTarget, settings: Settings) -> AsyncIterator[Desk]:
    """The desk on the file of jobs of a folder; it works as long as the context lasts, if there is an ingest root.

    Without one the jobs of a folder are shown, and wait for a process that may read their files.
    """
    try:
        store = await asyncio.to_thread(JobStore, folder)
    except (sqlite3.Error, OSError) as error:
        _log.error("the file of jobs cannot be opened (%s)", type(error).__name__)
        yield ClosedDesk()
        return
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.aclose)
        tags = TagReader()
        stack.push_async_callback(tags.aclose)
        desk = JobDesk(
            store,
            target,
            tags,
            root=settings.ingest_root,
            concurrency=settings.ingest_concurrency,
            max_bytes=settings.max_upload_bytes,
        )
        if settings.ingest_root is not None:
            desk.start()
            stack.push_async_callback(desk.aclose)
        yield desk


def _refuse() -> NoReturn:
    raise SonotypeError(Code.UNAVAILABLE, "The file of jobs cannot be opened; the log says why.")
