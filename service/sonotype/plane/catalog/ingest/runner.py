"""Runs one job: finds its files, brings each to an outcome, and can be killed at any moment and go on.

What has been done is in the store and nowhere else, so that a new process continues where the old one was killed. A
file may then be stored twice, but with the same external id: it is one track.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic

from sonotype.catalog.jobs.job import FileState, Job, JobKind, JobState
from sonotype.catalog.jobs.rows import FINAL, Listed, Pending
from sonotype.catalog.jobs.store import JobStore
from sonotype.catalog.track import Track
from sonotype.core.errors import SonotypeError
from sonotype.plane.catalog.ingest.entry import Entry, entry_of, position
from sonotype.plane.catalog.ingest.files import Files, Reading, Tags, outcome_of
from sonotype.plane.catalog.ingest.listing import find_files
from sonotype.plane.catalog.ingest.names import meant
from sonotype.plane.catalog.ingest.target import IngestTarget, ReembedTarget
from sonotype.telemetry import metrics

_BLOCK, _BLOCK_S = 1000, 0.2
_PAGE = 64
_CANCEL_POLL_S = 0.2
_NO_AUDIO = "Its audio is not below the ingest root; send it anew."


@dataclass(frozen=True, slots=True)
class Running:
    """How a job runs.

    Attributes:
        reading: how its files are read.
        root_path: how users write the root, for absolute paths in lists.
        concurrency: files at once.
    """

    reading: Reading
    root_path: str
    concurrency: int = 4


class Runner:
    """Runs the jobs of a store.

    Args:
        store: holds them.
        target: where tracks go.
        tags: reads the files' own tags.
        running: how.
        again: where vectors are added; without it only ingest jobs run.
    """

    def __init__(
        self, store: JobStore, target: IngestTarget, tags: Tags, running: Running, again: ReembedTarget | None = None
    ) -> None:
        self._store = store
        self._target = target
        self._again = again
        self._tags = tags
        self._running = running

    async def run(self, job_id: str) -> Job:
        """Run a job to its end, from its beginning or from where it stopped.

        Returns:
            The job as it ended.

        Raises:
            SonotypeError: `not_found`; `conflict` while another process works on it.
            PausedError: it cannot go on for now; run it again later.
        """
        with self._store.held(job_id):
            job = await self._store.start(job_id)
            if job.state in FINAL:
                return job
            work = asyncio.create_task(self._work(job))
            cancelled = await self._until_cancelled(job_id, work)
            if cancelled:
                return await self._store.end(job_id, JobState.CANCELLED)
            try:
                return await self._store.end(job_id, _final(await work))
            except SonotypeError as error:
                return await self._store.end(job_id, JobState.FAILED, error.detail)

    async def _until_cancelled(self, job_id: str, work: asyncio.Task[Job]) -> bool:
        """Wait for the end of the work; True if it was somebody's wish. Nothing of it runs afterwards."""
        try:
            while not work.done():
                if await self._store.cancelling(job_id):
                    return True
                await asyncio.wait([work], timeout=_CANCEL_POLL_S)
            return False
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait([work])

    async def _work(self, job: Job) -> Job:
        threads = ThreadPoolExecutor(self._running.concurrency, thread_name_prefix="sonotype-job")
        try:
            if job.total is None:
                await self._store.forget_files(job.id)
                await self._list(job)
                await self._store.all_listed(job.id)
            files = Files(self._running.reading, self._target, self._again, self._tags, threads)
            await self._process(job, files)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
        return await self._store.get(job.id)

    async def _list(self, job: Job) -> None:
        if job.request.kind is JobKind.REEMBED:
            assert self._again is not None, "this runner only ingests. This is a bug."  # noqa: S101
            blocks = _stale_blocks(self._again.stale(job.request.generation))
        else:
            found = find_files(self._running.reading.root, self._running.root_path, job.request.path)
            blocks = _blocks(found)
        async with aclosing(blocks):
            async for block in blocks:
                await self._store.add_files(job.id, block)

    async def _process(self, job: Job, files: Files) -> None:
        """Files in their order, several at once; the first pause stops all."""
        feed, turn = self._feed(job.id), asyncio.Lock()

        async def worker() -> None:
            while True:
                async with turn:
                    pending = await anext(feed, None)
                if pending is None:
                    return
                await self._one(job, files, pending)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._running.concurrency):
                    group.create_task(worker())
        except BaseExceptionGroup as group:
            raise _first(group) from None

    async def _feed(self, job_id: str) -> AsyncIterator[Pending]:
        after = b""
        while page := await self._store.pending(job_id, after, _PAGE):
            for pending in page:
                yield pending
            after = page[-1].place

    async def _one(self, job: Job, files: Files, pending: Pending) -> None:
        entry = entry_of(pending)
        if job.request.kind is JobKind.REEMBED:
            work = files.embed_again(job.request, entry)
        else:
            work = files.ingest(
                job.request, entry, begun=pending.begun, begin=lambda: self._store.begin(job.id, pending.place)
            )
        outcome = await outcome_of(work)
        await self._store.finish(job.id, pending.place, outcome)
        metrics.CATALOG_JOB_FILES.labels(outcome.state.value).inc()


async def _blocks(found: Iterator[Listed | None]) -> AsyncGenerator[list[Listed], None]:
    """What a thread finds, in blocks that are short in number and in time."""
    thread, loop = ThreadPoolExecutor(1, thread_name_prefix="sonotype-walk"), asyncio.get_running_loop()
    try:
        while (block := await loop.run_in_executor(thread, _block, found)) is not None:
            yield block
    finally:
        close: Callable[[], None] = getattr(found, "close", lambda: None)
        thread.submit(close)  # after the block that it may be at work on
        thread.shutdown(wait=False)


def _block(found: Iterator[Listed | None]) -> list[Listed] | None:
    """The next files; None at the end."""
    block: list[Listed] = []
    end = monotonic() + _BLOCK_S
    for listed in found:
        block += [] if listed is None else [listed]
        if len(block) >= _BLOCK or monotonic() > end:
            return block
    return block or None


async def _stale_blocks(tracks: AsyncIterator[Track]) -> AsyncGenerator[list[Listed], None]:
    block: list[Listed] = []
    number = 0
    async for track in tracks:
        block.append(_stale(number, track))
        number += 1
        if len(block) >= _BLOCK:
            yield block
            block = []
    yield block


def _stale(number: int, track: Track) -> Listed:
    if track.source is None or track.content_sha256 is None:
        return Listed(position(number), f"track {track.id}", "{}", FileState.SKIPPED, _NO_AUDIO)
    return Entry(meant(track.source), track=track.id, content_sha256=track.content_sha256).listed(number)


def _final(job: Job) -> JobState:
    bad = job.counts.get(FileState.FAILED, 0) + job.counts.get(FileState.SKIPPED, 0)
    return JobState.COMPLETED_WITH_ERRORS if bad else JobState.COMPLETED


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
