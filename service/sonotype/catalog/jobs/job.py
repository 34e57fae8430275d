"""What is known of a job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class JobKind(StrEnum):
    """What a job does."""

    INGEST = "ingest"
    REEMBED = "reembed"


class JobState(StrEnum):
    """Where a job stands. The last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"
    CANCELLED = "cancelled"


class FileState(StrEnum):
    """What became of one file of a job."""

    PENDING = "pending"
    STORED = "stored"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobRequest:
    """Work that outlives a request.

    Attributes:
        kind: what to do.
        path: folder, manifest or playlist below the ingest root; for `ingest`.
        collection: where the tracks go, unless a manifest says otherwise.
        generation: for `reembed`: the generation to fill; None means that of the configured model.
        client: the authenticated caller.
    """

    kind: JobKind
    path: str = ""
    collection: str = "default"
    generation: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands.

    Attributes:
        id: of the job.
        request: what was asked for.
        state: where it stands.
        total: files that it found; None while it still looks for them.
        counts: files by what became of them.
        error: why it failed, for people.
        created_at: UTC.
        started_at: UTC.
        ended_at: UTC.
    """

    id: str
    request: JobRequest
    state: JobState
    total: int | None
    counts: dict[FileState, int]
    error: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobFile:
    """One file of a job.

    Attributes:
        path: below the ingest root; bytes that are no UTF-8 are escaped.
        state: what became of it.
        track: id of the track, where it was stored.
        code: domain code of the error, where there was one.
        detail: the error for people.
    """

    path: str
    state: FileState
    track: str | None = None
    code: str | None = None
    detail: str | None = None
