"""Work that outlives a request: `/v1/jobs`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response

from sonotype.api.http.auth import Client
from sonotype.api.http.catalog_docs import USUAL, json_of
from sonotype.api.http.context import plane_of, settings_of
from sonotype.api.http.events import JobEvents
from sonotype.api.http.intake import is_json, read_json
from sonotype.api.http.render import json_response
from sonotype.api.http.render_jobs import files_body, job_body, job_url, jobs_body
from sonotype.api.http.routes.models import no_parameters
from sonotype.api.http.schemas import problems
from sonotype.api.http.schemas_jobs import JobFilesBody, JobsBody, JobStatus
from sonotype.api.job_params import FilesParams, JobBody, PageParams
from sonotype.api.options import parse_options
from sonotype.core.errors import Code, SonotypeError

router = APIRouter(tags=["jobs"])

_EXAMPLES = {
    "ingest": {"value": {"kind": "ingest", "path": "jazz", "collection": "vinyl"}},
    "reembed": {"value": {"kind": "reembed"}},
}
_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": json_of("JobBody", _EXAMPLES)}}
}
_ONE: dict[int | str, dict[str, Any]] = {200: {"model": JobStatus}, **problems(*USUAL, Code.NOT_FOUND)}
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `job` whose data are the job, the first at once and the last when it has ended; a "
        "comment every 15 s in between.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    204: {"description": "`Last-Event-ID` is the event of the job's end: there is nothing more to come"},
    **problems(*USUAL, Code.NOT_FOUND, Code.DRAINING),
}


@router.post(
    "/v1/jobs",
    status_code=202,
    response_model=None,
    responses={
        202: {
            "model": JobStatus,
            "headers": {"Location": {"description": "path of the job", "schema": {"type": "string"}}},
        },
        **problems(*USUAL, Code.FORBIDDEN, Code.NOT_FOUND, Code.CONFLICT, Code.DRAINING, Code.INSUFFICIENT_STORAGE),
    },
    dependencies=[Depends(no_parameters)],
    openapi_extra=_BODY,
    summary="Start a job",
)
async def create_job(request: Request, client: Client) -> Response:
    """Ingest files below the ingest root, or embed tracks with another model; progress is at its path."""
    if not is_json(request):
        raise SonotypeError(Code.UNSUPPORTED_FORMAT, "Send the request as application/json.")
    body = parse_options(JobBody, await read_json(request, settings_of(request)))
    job = await plane_of(request).catalog.create_job(body.request(client))
    return json_response(job_body(job), 202, {"location": job_url(job.id)})


@router.get(
    "/v1/jobs", response_model=None, responses={200: {"model": JobsBody}, **problems(*USUAL)}, summary="Every job"
)
async def jobs(request: Request, client: Client, params: Annotated[PageParams, Query()]) -> Response:
    """List jobs, newest first."""
    return json_response(jobs_body(*await plane_of(request).catalog.jobs(params.cursor, params.limit)))


@router.get(
    "/v1/jobs/{job_id}",
    response_model=None,
    responses=_ONE,
    dependencies=[Depends(no_parameters)],
    summary="One job",
)
async def job(request: Request, client: Client, job_id: str) -> Response:
    """Tell how a job stands."""
    return json_response(job_body(await plane_of(request).catalog.job(job_id)))


@router.get(
    "/v1/jobs/{job_id}/files",
    response_model=None,
    responses={200: {"model": JobFilesBody}, **problems(*USUAL, Code.NOT_FOUND)},
    summary="Files of a job",
)
async def files(request: Request, client: Client, job_id: str, params: Annotated[FilesParams, Query()]) -> Response:
    """List what became of every file, in the order of the job."""
    found = await plane_of(request).catalog.job_files(job_id, params.state, params.cursor, params.limit)
    return json_response(files_body(*found))


@router.get(
    "/v1/jobs/{job_id}/events",
    response_model=None,
    responses=_EVENTS,
    dependencies=[Depends(no_parameters)],
    summary="Watch a job",
)
async def events(
    request: Request,
    client: Client,
    job_id: str,
    last: Annotated[str | None, Header(alias="Last-Event-ID", description="of the last event you saw")] = None,
) -> Response:
    """Send the job whenever it has moved, as server-sent events."""
    return JobEvents(request, plane_of(request), job_id, last, settings_of(request).upload_idle_timeout_s)


@router.post(
    "/v1/jobs/{job_id}/cancel",
    response_model=None,
    responses={**_ONE, **problems(Code.CONFLICT)},
    dependencies=[Depends(no_parameters)],
    summary="Stop a job",
)
async def cancel(request: Request, client: Client, job_id: str) -> Response:
    """Stop a job; what is stored stays. One that has ended cannot be stopped."""
    return json_response(job_body(await plane_of(request).catalog.cancel_job(job_id)))
