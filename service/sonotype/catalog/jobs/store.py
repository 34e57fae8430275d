"""Jobs that outlive the process: a SQLite file behind one thread, and a lock per job that dies with its holder."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from sonotype.catalog.jobs.book import JobBook
from sonotype.catalog.jobs.job import FileState, Job, JobFile, JobRequest, JobState
from sonotype.catalog.jobs.rows import Listed, Outcome, Pending
from sonotype.core.errors import Code, SonotypeError

T = TypeVar("T")
FILE_NAME = "jobs.db"
KEEP_JOBS, KEEP_S = 200, 30 * 86400.0
_LAST = 2**63 - 1


class JobStore:
    """The jobs of one folder. Every method may raise `sqlite3.Error` where the disk refuses.

    An outcome is committed before the call returns, so a process that is killed loses none.

    Args:
        folder: where the file and the locks lie; made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="sonotype-jobs")
        self._book = JobBook(folder / FILE_NAME)

    async def create(self, request: JobRequest) -> Job:
        """Queue a job."""
        return await self._do(lambda book: book.create(request))

    async def get(self, job_id: str) -> Job:
        """One job. Raises `not_found`."""
        return await self._do(lambda book: book.get(job_id))

    async def page(self, cursor: str | None, limit: int) -> tuple[list[Job], str | None]:
        """Jobs, newest first, and the cursor of the next page. Raises `invalid_request` for a cursor not of ours."""
        with _cursors():
            before = None if cursor is None else max(0, min(int(cursor), _LAST))
        found = await self._do(lambda book: book.jobs(before, limit + 1))
        return [job for _, job in found[:limit]], str(found[limit - 1][0]) if len(found) > limit else None

    async def files(
        self, job_id: str, state: FileState | None, cursor: str | None, limit: int
    ) -> tuple[list[JobFile], str | None]:
        """Files in the order of the job, and the cursor of the next page. Raises `not_found`, `invalid_request`."""
        with _cursors():
            after = bytes.fromhex(cursor or "")
        found = await self._do(lambda book: book.files(job_id, state, after, limit + 1))
        return [file for _, file in found[:limit]], found[limit - 1][0].hex() if len(found) > limit else None

    async def unended(self) -> list[Job]:
        """Jobs that wait, run, or ran in a process that died; oldest first."""
        return await self._do(JobBook.unended)

    async def start(self, job_id: str) -> Job:
        """It runs now, for the first time or again."""
        return await self._do(lambda book: book.start(job_id))

    async def end(self, job_id: str, state: JobState, error: str | None = None) -> Job:
        """It has ended."""
        return await self._do(lambda book: book.end(job_id, state, error))

    async def cancel(self, job_id: str) -> Job:
        """Ask it to stop. Raises `not_found`, `conflict` where it has ended."""
        return await self._do(lambda book: book.cancel(job_id))

    async def cancelling(self, job_id: str) -> bool:
        """Whether it has been asked to stop."""
        return await self._do(lambda book: book.cancelling(job_id))

    async def forget_files(self, job_id: str) -> None:
        """Begin the list of its files anew."""
        await self._do(lambda book: book.forget_files(job_id))

    async def add_files(self, job_id: str, files: Iterable[Listed]) -> None:
        """Add files that were found."""
        await self._do(lambda book: book.add_files(job_id, files))

    async def all_listed(self, job_id: str) -> Job:
        """Every file has been found: they get their order, and the job its total."""
        while not await self._do(lambda book: book.sort_files(job_id)):
            pass
        return await self.get(job_id)

    async def pending(self, job_id: str, after: bytes, limit: int) -> list[Pending]:
        """The next files without an outcome."""
        return await self._do(lambda book: book.pending(job_id, after, limit))

    async def begin(self, job_id: str, place: bytes) -> None:
        """Work on a file begins."""
        await self._do(lambda book: book.begin(job_id, place))

    async def finish(self, job_id: str, place: bytes, outcome: Outcome) -> None:
        """What became of a file."""
        await self._do(lambda book: book.finish(job_id, place, outcome))

    async def prune(self, keep: int = KEEP_JOBS, keep_s: float = KEEP_S) -> None:
        """Forget ended jobs beyond the newest `keep`, or that ended longer ago than `keep_s` seconds."""
        for seq in await self._do(lambda book: book.doomed(keep, keep_s)):
            while not await self._do(lambda book, seq=seq: book.prune(seq)):  # type: ignore[misc]
                pass

    @contextlib.contextmanager
    def held(self, job_id: str) -> Iterator[None]:
        """Hold a job while working on it: the kernel lets go of it when the process ends, however that ends.

        Raises:
            SonotypeError: `conflict` while another process holds it.
        """
        path = self._folder / f"job-{job_id}.lock"
        lock = FileLock(path, blocking=False, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            raise SonotypeError(Code.CONFLICT, "Another process works on this job.") from None
        try:
            yield
        finally:
            # Whoever waits for the old file then holds a lock on nothing, and finds the job ended or to be continued.
            path.unlink(missing_ok=True)
            lock.release()

    async def aclose(self) -> None:
        """Finish what was begun and close the file."""
        await self._do(JobBook.close)
        self._executor.shutdown(wait=False)

    async def _do(self, work: Callable[[JobBook], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, self._book)


@contextlib.contextmanager
def _cursors() -> Iterator[None]:
    try:
        yield
    except ValueError:
        raise SonotypeError(Code.INVALID_REQUEST, "The cursor is not one of this list.") from None
