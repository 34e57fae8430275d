"""Lists and jobs between protobuf and our own types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sonotype.api.grpc.convert_search import filter_values
from sonotype.api.grpc.convert_tracks import track_summary_of
from sonotype.api.grpc.enums import FILE_STATES, JOB_KINDS, JOB_STATES
from sonotype.api.grpc.fields import chosen, filled, given, timestamp
from sonotype.api.grpc.gen import catalog_pb2 as cat
from sonotype.api.job_params import FINAL, FilesParams, JobBody, PageParams, TracksParams, done
from sonotype.api.options import parse_options
from sonotype.catalog.jobs.job import FileState, Job, JobFile, JobRequest
from sonotype.catalog.port import Page


def tracks_params_of(request: cat.ListTracksRequest) -> TracksParams:
    """Which tracks to list. Raises `invalid_request`."""
    return parse_options(TracksParams, filter_values(request.filter) | _page(request))


def page_params_of(request: cat.ListJobsRequest) -> PageParams:
    """Which jobs to list. Raises `invalid_request`."""
    return parse_options(PageParams, _page(request))


def files_params_of(request: cat.ListJobFilesRequest) -> FilesParams:
    """Which files to list. Raises `invalid_request`."""
    return parse_options(FilesParams, _page(request) | chosen(request, state=FILE_STATES))


def job_request_of(request: cat.CreateJobRequest, client: str | None) -> JobRequest:
    """The job as the plane takes it. Raises `invalid_request`."""
    values = chosen(request, kind=JOB_KINDS) | filled(request, "path", "collection", "generation")
    return parse_options(JobBody, values).request(client)


def tracks_of(page: Page) -> cat.ListTracksResponse:
    """A page of tracks."""
    tracks = [track_summary_of(track) for track in page.tracks]
    return cat.ListTracksResponse(tracks=tracks, cursor=page.cursor or "")


def jobs_of(jobs: Sequence[Job], cursor: str | None) -> cat.ListJobsResponse:
    """A page of jobs."""
    return cat.ListJobsResponse(jobs=[job_of(job) for job in jobs], cursor=cursor or "")


def files_of(files: Sequence[JobFile], cursor: str | None) -> cat.ListJobFilesResponse:
    """A page of a job's files."""
    return cat.ListJobFilesResponse(files=[_file(file) for file in files], cursor=cursor or "")


def job_of(job: Job) -> cat.Job:
    """A job as it stands."""
    request = job.request
    return cat.Job(
        id=job.id,
        kind=JOB_KINDS[request.kind],
        path=request.path,
        collection=request.collection,
        generation=request.generation,
        state=JOB_STATES[job.state],
        final=job.state in FINAL,
        total=job.total,
        done=done(job),
        counts=cat.JobCounts(**{state.value: job.counts.get(state, 0) for state in FileState}),
        error=job.error,
        created_at=timestamp(job.created_at),
        started_at=timestamp(job.started_at),
        ended_at=timestamp(job.ended_at),
    )


def _page(request: cat.ListTracksRequest | cat.ListJobsRequest | cat.ListJobFilesRequest) -> dict[str, Any]:
    return filled(request, "cursor") | given(request, "limit")


def _file(file: JobFile) -> cat.JobFile:
    state = FILE_STATES[file.state]
    return cat.JobFile(path=file.path, state=state, track=file.track, code=file.code, detail=file.detail)
