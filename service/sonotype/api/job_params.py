"""Lists and jobs of the catalogue: the same names, limits and defaults on every face."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from sonotype.api.filter_params import FilterParams
from sonotype.api.options import Options
from sonotype.api.params import Name
from sonotype.api.track_params import Collection
from sonotype.catalog.jobs.job import FileState, Job, JobKind, JobRequest, JobState
from sonotype.catalog.track import DEFAULT_COLLECTION
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog import limits

FINAL = frozenset({JobState.COMPLETED, JobState.COMPLETED_WITH_ERRORS, JobState.FAILED, JobState.CANCELLED})
Kind = Annotated[JobKind, Field(strict=False)]


class PageParams(Options):
    """Which part of a list."""

    cursor: str | None = Field(
        None, max_length=limits.MAX_CURSOR, description="`cursor` of the page before; absent means from the start"
    )
    limit: int = Field(50, ge=1, le=limits.MAX_LIMIT, description="length of the page")


class TracksParams(FilterParams, PageParams):
    """Which tracks to list."""


class FilesParams(PageParams):
    """Which files of a job to list."""

    state: FileState | None = Field(None, description="only files of which this became")


class JobBody(Options):
    """Work that outlives a request."""

    model_config = ConfigDict(strict=True)

    kind: Kind = Field(description="`ingest` audio files, or `reembed` tracks with another model")
    path: str = Field(
        "",
        max_length=limits.MAX_SOURCE,
        description="for `ingest`: folder, manifest (.csv) or playlist (.m3u) below the ingest root; absent means all",
    )
    collection: Collection = Field(DEFAULT_COLLECTION, description="for `ingest`: where the tracks go")
    generation: Name | None = Field(None, description="for `reembed`: absent means that of the configured model")

    def request(self, client: str | None) -> JobRequest:
        """The job as the plane takes it. Raises `invalid_request` for what belongs to the other kind."""
        wrong = {"path", "collection"} if self.kind is JobKind.REEMBED else {"generation"}
        if named := sorted(wrong & self.model_fields_set):
            raise SonotypeError(Code.INVALID_REQUEST, f"A job of kind {self.kind} has no {' and no '.join(named)}.")
        return JobRequest(self.kind, self.path, self.collection, self.generation, client)


def done(job: Job) -> int:
    """Files that are dealt with, well or badly."""
    return sum(count for state, count in job.counts.items() if state is not FileState.PENDING)
