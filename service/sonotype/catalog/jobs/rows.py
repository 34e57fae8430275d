"""What crosses the border of the file of jobs, and how rows become it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sonotype.catalog.jobs.job import FileState, Job, JobFile, JobKind, JobRequest, JobState

JOB_COLUMNS = (
    "seq, id, kind, path, collection, generation, client, state, total, error, created, started, ended, cancelling"
)
FINAL = frozenset({JobState.COMPLETED, JobState.COMPLETED_WITH_ERRORS, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as it was found.

    Attributes:
        place: where it stands in the job; bytes that sort.
        path: for people and for `JobFile`.
        entry: what the runner needs to know of it, JSON.
        state: PENDING, or already an outcome.
        detail: why it is not PENDING, for people.
        code: domain code, where that is an error.
    """

    place: bytes
    path: str
    entry: str = "{}"
    state: FileState = FileState.PENDING
    detail: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """A file whose turn has come.

    Attributes:
        place: its key in the job.
        path: as listed.
        entry: as listed.
        begun: work on it began before and did not end: the process died.
    """

    place: bytes
    path: str
    entry: str
    begun: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file; the fields are those of `JobFile`."""

    state: FileState
    track: str | None = None
    code: str | None = None
    detail: str | None = None


def job_of(row: tuple[Any, ...], counts: dict[FileState, int]) -> Job:
    """A row of `JOB_COLUMNS`."""
    _, id_, kind, path, collection, generation, client, state, total, error, created, started, ended, _ = row
    return Job(
        id=id_,
        request=JobRequest(JobKind(kind), path, collection, generation, client),
        state=JobState(state),
        total=total,
        counts=counts,
        error=error,
        created_at=_time(created),
        started_at=None if started is None else _time(started),
        ended_at=None if ended is None else _time(ended),
    )


def file_of(row: tuple[Any, ...]) -> JobFile:
    """A row of path, state, track, code, detail."""
    path, state, track, code, detail = row
    return JobFile(path, FileState(state), track, code, detail)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
