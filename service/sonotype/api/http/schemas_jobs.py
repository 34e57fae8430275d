"""The bodies of answers about jobs, for OpenAPI."""

from __future__ import annotations

from pydantic import Field

from sonotype.api.http.body import Body
from sonotype.api.http.schemas_catalog import Cursor, Moment
from sonotype.catalog.jobs.job import FileState, JobKind, JobState
from sonotype.core.errors import Code


class JobCounts(Body):
    """Files by what became of them."""

    pending: int
    stored: int
    unchanged: int
    skipped: int
    failed: int


class JobStatus(Body):
    """A job as it stands."""

    id: str
    kind: JobKind
    path: str = Field(description="below the ingest root", examples=["jazz"])
    collection: str
    generation: str | None
    state: JobState
    final: bool = Field(description="it has ended; the state stays what it is")
    total: int | None = Field(description="files that it found; null while it still looks for them")
    done: int = Field(description="files that are dealt with, well or badly")
    counts: JobCounts
    error: str | None = Field(description="why it failed")
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None


class JobsBody(Body):
    """A page of jobs, newest first."""

    jobs: list[JobStatus]
    cursor: Cursor


class JobFileBody(Body):
    """What became of one file."""

    path: str = Field(description="below the ingest root; bytes that are no UTF-8 are escaped")
    state: FileState
    track: str | None = Field(description="id of the track, where it was stored")
    code: Code | None = Field(description="of the error")
    detail: str | None = Field(description="the error for people")


class JobFilesBody(Body):
    """A page of a job's files, in its order."""

    files: list[JobFileBody]
    cursor: Cursor
