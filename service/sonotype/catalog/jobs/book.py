"""The file of jobs, one connection of one thread: what can be asked of it and written into it."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

from sonotype.catalog.jobs.job import FileState, Job, JobFile, JobRequest, JobState
from sonotype.catalog.jobs.rows import FINAL, JOB_COLUMNS, Listed, Outcome, Pending, file_of, job_of
from sonotype.catalog.jobs.tables import Transaction, connect
from sonotype.core.errors import Code, SonotypeError

_FINAL = ", ".join(f"'{state}'" for state in sorted(FINAL))
_PRUNE_ROWS = _SORT_ROWS = 5000
_LISTED = "job, place, path, state, entry, code, detail"


class JobBook:
    """Jobs and their files. Blocking; `store.JobStore` gives it a thread of its own.

    Args:
        path: the SQLite file.
        clock: seconds since the epoch.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._db = connect(path)
        self._sorted: sqlite3.Cursor | None = None
        self._clock = clock

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def create(self, request: JobRequest) -> Job:
        """Queue a job; durable when this returns."""
        id_ = uuid.uuid4().hex
        columns = "id, kind, path, collection, generation, client, state, created"
        values = (id_, request.kind, request.path, request.collection, request.generation, request.client)
        with Transaction(self._db, durably=True):
            self._db.execute(
                f"INSERT INTO jobs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
                (*values, JobState.QUEUED, self._clock()),
            )
        return self.get(id_)

    def get(self, id_: str) -> Job:
        """One job. Raises `not_found`."""
        return self._job(self._row(id_))

    def jobs(self, before: int | None, limit: int) -> list[tuple[int, Job]]:
        """Jobs with their numbers, newest first."""
        query = f"SELECT {JOB_COLUMNS} FROM jobs WHERE seq < ? ORDER BY seq DESC LIMIT ?"  # noqa: S608 - constants
        rows = self._db.execute(query, (2**63 - 1 if before is None else before, limit)).fetchall()
        return [(row[0], self._job(row)) for row in rows]

    def unended(self) -> list[Job]:
        """Jobs that wait, run, or ran in a process that died; oldest first."""
        query = f"SELECT {JOB_COLUMNS} FROM jobs WHERE state NOT IN ({_FINAL}) ORDER BY seq"  # noqa: S608 - constants
        return [self._job(row) for row in self._db.execute(query).fetchall()]

    def start(self, id_: str) -> Job:
        """It runs now, for the first time or again; one that has ended stays as it is."""
        query = f"UPDATE jobs SET state = ?, started = coalesce(started, ?) WHERE id = ? AND state NOT IN ({_FINAL})"  # noqa: S608
        self._db.execute(query, (JobState.RUNNING, self._clock(), id_))
        return self.get(id_)

    def end(self, id_: str, state: JobState, error: str | None) -> Job:
        """It has ended; durable when this returns. One that has ended before stays as it is."""
        query = f"UPDATE jobs SET state = ?, error = ?, ended = ? WHERE id = ? AND state NOT IN ({_FINAL})"  # noqa: S608
        with Transaction(self._db, durably=True):
            self._db.execute(query, (state, error, self._clock(), id_))
        return self.get(id_)

    def cancel(self, id_: str) -> Job:
        """Ask a job to stop; one that only waits has then ended. Raises `not_found`, `conflict`."""
        if self.get(id_).state in FINAL:
            raise SonotypeError(Code.CONFLICT, "This job has ended already.")
        with Transaction(self._db, durably=True):
            self._db.execute("UPDATE jobs SET cancelling = 1 WHERE id = ?", (id_,))
            self._db.execute(
                "UPDATE jobs SET state = ?, ended = ? WHERE id = ? AND state = ?",
                (JobState.CANCELLED, self._clock(), id_, JobState.QUEUED),
            )
        return self.get(id_)

    def cancelling(self, id_: str) -> bool:
        """Whether the job has been asked to stop."""
        return bool(self._row(id_)[-1])

    def forget_files(self, id_: str) -> None:
        """Begin the list of files anew: it was not finished."""
        seq = self._row(id_)[0]
        self._sorted = None
        with Transaction(self._db):
            for table in ("found", "files", "counts"):
                self._db.execute(f"DELETE FROM {table} WHERE job = ?", (seq,))  # noqa: S608 - constants

    def add_files(self, id_: str, files: Iterable[Listed]) -> None:
        """Add files that were found, in any order."""
        seq = self._row(id_)[0]
        query = f"INSERT INTO found ({_LISTED}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
        rows = ((seq, f.place, f.path, f.state, f.entry, f.code, f.detail) for f in files)
        with Transaction(self._db):
            self._db.executemany(query, rows)

    def sort_files(self, id_: str) -> bool:
        """Every file has been found: put the next of them in order; True once all are, and the total is known.

        One at a place that is taken is dropped. The first call sorts, the others copy: all are short.
        """
        seq = self._row(id_)[0]
        if self._sorted is None:
            self._sorted = self._db.execute(f"SELECT {_LISTED} FROM found WHERE job = ? ORDER BY place", (seq,))  # noqa: S608
        rows = self._sorted.fetchmany(_SORT_ROWS)
        query = f"INSERT OR IGNORE INTO files ({_LISTED}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
        total = "UPDATE jobs SET total = (SELECT coalesce(sum(files), 0) FROM counts WHERE job = seq) WHERE seq = ?"
        if not rows:
            self._sorted = None
        with Transaction(self._db):
            self._db.executemany(query, rows)
            if not rows:
                self._db.execute("DELETE FROM found WHERE job = ?", (seq,))
                self._db.execute(total, (seq,))
        return not rows

    def pending(self, id_: str, after: bytes, limit: int) -> list[Pending]:
        """The next files without an outcome."""
        query = (
            "SELECT place, path, entry, begun FROM files WHERE job = ? AND state = ? AND place > ? "
            "ORDER BY place LIMIT ?"
        )
        rows = self._db.execute(query, (self._row(id_)[0], FileState.PENDING, after, limit)).fetchall()
        return [Pending(place, path, entry, bool(begun)) for place, path, entry, begun in rows]

    def begin(self, id_: str, place: bytes) -> None:
        """Work on a file begins: should the process die, it may have been stored already."""
        query = "UPDATE files SET begun = 1 WHERE job = ? AND place = ?"
        self._db.execute(query, (self._row(id_)[0], place))

    def finish(self, id_: str, place: bytes, outcome: Outcome) -> None:
        """What became of a file."""
        query = "UPDATE files SET state = ?, track = ?, code = ?, detail = ? WHERE job = ? AND place = ?"
        said = (outcome.state, outcome.track, outcome.code, outcome.detail)
        self._db.execute(query, (*said, self._row(id_)[0], place))

    def files(self, id_: str, state: FileState | None, after: bytes, limit: int) -> list[tuple[bytes, JobFile]]:
        """Files with their places, in the order of the job. Raises `not_found`."""
        seq = self._row(id_)[0]
        where, given = ("AND state = ?", (state,)) if state is not None else ("", ())
        query = (
            "SELECT place, path, state, track, code, detail FROM files "  # noqa: S608 - constants
            f"WHERE job = ? {where} AND place > ? ORDER BY place LIMIT ?"
        )
        rows = self._db.execute(query, (seq, *given, after, limit)).fetchall()
        return [(row[0], file_of(row[1:])) for row in rows]

    def doomed(self, keep: int, keep_s: float) -> list[int]:
        """Numbers of ended jobs that need not be remembered: beyond the newest `keep`, or older."""
        query = f"SELECT seq, ended FROM jobs WHERE state IN ({_FINAL}) ORDER BY seq DESC"  # noqa: S608 - constants
        oldest = self._clock() - keep_s
        rows = enumerate(self._db.execute(query).fetchall())
        return [seq for number, (seq, ended) in rows if number >= keep or ended < oldest]

    def prune(self, seq: int) -> bool:
        """Forget a part of a job's files, then the job; True once it is gone. Short, so that nobody waits long."""
        part = "SELECT job, place FROM files WHERE job = ? LIMIT ?"
        with Transaction(self._db):
            query = f"DELETE FROM files WHERE (job, place) IN ({part})"  # noqa: S608 - constants
            if self._db.execute(query, (seq, _PRUNE_ROWS)).rowcount == _PRUNE_ROWS:
                return False
            self._db.execute("DELETE FROM found WHERE job = ?", (seq,))  # it was stopped before they were sorted
            self._db.execute("DELETE FROM counts WHERE job = ?", (seq,))
            self._db.execute("DELETE FROM jobs WHERE seq = ?", (seq,))
        return True

    def _row(self, id_: str) -> tuple[object, ...]:
        query = f"SELECT {JOB_COLUMNS} FROM jobs WHERE id = ?"  # noqa: S608 - constants
        row: tuple[object, ...] | None = self._db.execute(query, (id_,)).fetchone()
        if row is None:
            raise SonotypeError(Code.NOT_FOUND, "There is no such job; ended jobs are forgotten after a while.")
        return row

    def _job(self, row: tuple[object, ...]) -> Job:
        query = "SELECT state, files FROM counts WHERE job = ?"
        counts = {FileState(state): files for state, files in self._db.execute(query, (row[0],)) if files}
        return job_of(row, counts)
