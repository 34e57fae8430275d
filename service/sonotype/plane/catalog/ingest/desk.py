"""The jobs of the service: taken, run one after the other in the background, shown, watched and cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

from sonotype.catalog.jobs.job import FileState, Job, JobFile, JobKind, JobRequest, JobState
from sonotype.catalog.jobs.store import JobStore
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog.ingest.files import Reading, Tags
from sonotype.plane.catalog.ingest.listing import check_path
from sonotype.plane.catalog.ingest.patience import PausedError
from sonotype.plane.catalog.ingest.rooted import Root
from sonotype.plane.catalog.ingest.runner import Runner, Running
from sonotype.plane.catalog.ingest.target import JobTarget
from sonotype.plane.catalog.ingest.watch import watch
from sonotype.plane.catalog.limits import check_collection
from sonotype.telemetry import metrics

_log = logging.getLogger(__name__)
MAX_WAITING = 100
_AGAIN_S = 30.0


class JobDesk:
    """The part of `plane.catalog.port.CatalogPlane` that is about jobs.

    Args:
        store: of the catalogue's folder.
        target: where tracks go.
        tags: reads the files' own tags.
        root: folder that jobs may read; None refuses them.
        concurrency: files of a job at once.
        max_bytes: largest file.
    """

    def __init__(
        self, store: JobStore, target: JobTarget, tags: Tags, *, root: Path | None, concurrency: int, max_bytes: int
    ) -> None:
        self._store = store
        self._target = target
        self._tags = tags
        self._root_path = root
        self._concurrency = concurrency
        self._max_bytes = max_bytes
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Run what waits, beginning with the jobs of a process that died, and whatever comes."""
        self._task = asyncio.create_task(self._run(), name="jobs")

    async def aclose(self) -> None:
        """Stop where it stands; the next start goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def create_job(self, request: JobRequest) -> Job:
        """Queue a job.

        Raises:
            SonotypeError: `forbidden` without an ingest root or for a path that leads out of it, `not_found`,
                `invalid_request`; `overloaded` where too many wait.
        """
        root = self._root()
        check_collection(request.collection)
        if request.kind is JobKind.INGEST:
            await asyncio.to_thread(check_path, root, request.path)
        if len(await self._store.unended()) >= MAX_WAITING:
            raise SonotypeError(Code.OVERLOADED, f"{MAX_WAITING} jobs wait already.", retry_after_s=60.0)
        job = await self._store.create(request)
        self._wake.set()
        return job

    async def job(self, job_id: str) -> Job:
        """One job. Raises `not_found`."""
        return await self._store.get(job_id)

    async def jobs(self, cursor: str | None, limit: int) -> tuple[list[Job], str | None]:
        """Jobs, newest first. Raises `invalid_request`."""
        return await self._store.page(cursor, limit)

    async def job_files(
        self, job_id: str, state: FileState | None, cursor: str | None, limit: int
    ) -> tuple[list[JobFile], str | None]:
        """Files of a job in its order. Raises `not_found`, `invalid_request`."""
        return await self._store.files(job_id, state, cursor, limit)

    async def cancel_job(self, job_id: str) -> Job:
        """Stop a job; what is stored stays. Raises `not_found`, `conflict` where it has ended."""
        return await self._store.cancel(job_id)

    def watch_job(self, job_id: str) -> AsyncIterator[Job]:
        """The job now and whenever it has moved, until it ends. Raises `not_found`."""
        return watch(self._store, job_id)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            again_s: float | None = None
            try:
                await self._store.prune()
                await self._run_waiting()
            except PausedError as paused:
                _log.warning("jobs pause: %s", paused.error.code.value)
                again_s = _AGAIN_S
            except (sqlite3.Error, OSError) as error:
                _log.warning("the file of jobs cannot be used now (%s)", type(error).__name__)
                again_s = _AGAIN_S
            except Exception:  # noqa: BLE001 - background job: a fault of ours must not end all jobs for good
                _log.exception("jobs cannot go on now")
                again_s = _AGAIN_S
            await self._rest(again_s)

    async def _rest(self, seconds: float | None) -> None:
        """Until a job comes; after an accident, for so many seconds."""
        if seconds is not None:
            await asyncio.sleep(seconds)
            return
        await self._wake.wait()

    async def _run_waiting(self) -> None:
        while jobs := await self._store.unended():
            metrics.CATALOG_JOBS.labels("queued").set(len(jobs) - 1)
            metrics.CATALOG_JOBS.labels("running").set(1)
            try:
                await self._run_one(jobs[0])
            finally:
                metrics.CATALOG_JOBS.labels("running").set(0)

    async def _run_one(self, job: Job) -> None:
        try:
            reading = Reading(self._root(), self._max_bytes)
            running = Running(reading, str(self._root_path), self._concurrency)
            runner = Runner(self._store, self._target, self._tags, running, again=self._target)
            await runner.run(job.id)
        except SonotypeError as error:
            if error.code is Code.CONFLICT:  # a process that should be gone still works on it
                raise PausedError(error) from None
            await self._store.end(job.id, JobState.FAILED, error.detail)
        except (PausedError, sqlite3.Error, OSError):
            raise
        except Exception:  # noqa: BLE001 - background job: a fault of ours ends this job, not those after it
            _log.exception("a job failed")
            with contextlib.suppress(SonotypeError):
                await self._store.end(job.id, JobState.FAILED, "Something went wrong on our side.")

    def _root(self) -> Root:
        if self._root_path is None:
            raise SonotypeError(Code.FORBIDDEN, "This service takes no jobs: it has no ingest root.")
        return Root(self._root_path)
