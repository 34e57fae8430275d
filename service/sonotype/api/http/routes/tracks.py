"""Tracks of the catalogue: `/v1/tracks` and one of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from starlette.responses import Response

from sonotype.api.http.auth import Client
from sonotype.api.http.catalog_docs import STORED, USUAL, json_of
from sonotype.api.http.context import plane_of, settings_of
from sonotype.api.http.intake import is_json, read_json, receive
from sonotype.api.http.leave import unless_client_leaves
from sonotype.api.http.ranges import is_known
from sonotype.api.http.render import json_response
from sonotype.api.http.render_catalog import track_body, track_url, tracks_body
from sonotype.api.http.routes.models import no_parameters
from sonotype.api.http.routes.uploads import Timeout
from sonotype.api.http.schemas import problems
from sonotype.api.http.schemas_catalog import TrackBody, TrackCheckBody, TracksBody
from sonotype.api.job_params import TracksParams
from sonotype.api.options import parse_options
from sonotype.api.track_params import MetadataBody, Sent, TrackCheck, TrackSubmission, TrackUploadParams
from sonotype.catalog.port import Stored
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog import limits
from sonotype.plane.catalog.values import Submission

router = APIRouter(tags=["catalogue"])

TrackIdPath = Annotated[str, Path(description="of a track")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description=f"at most {limits.MAX_IDEMPOTENCY_KEY} printable ASCII characters: repeating a request with its "
        "key gives the first answer again, and another request with it is refused",
    ),
]


@router.put("/v1/tracks/{track_id}", summary="Store a track under an id", **STORED)
async def put_track(
    request: Request,
    client: Client,
    track_id: TrackIdPath,
    params: Annotated[TrackUploadParams, Query()],
    *,
    key: IdempotencyKey = None,
    wait_s: Timeout = None,
) -> Response:
    """Create or replace the track of this id; it is in every answer from now on.

    The audio is analysed, not kept.
    """
    return await _store(request, params, {"id": track_id, "idempotency_key": key, "client": client}, wait_s)


@router.post("/v1/tracks", summary="Store a track", **STORED)
async def post_track(
    request: Request,
    client: Client,
    params: Annotated[TrackUploadParams, Query()],
    key: IdempotencyKey = None,
    wait_s: Timeout = None,
) -> Response:
    """Store a track under an id that the catalogue chooses.

    A track of the same collection and external id is replaced; without an external id, one of the same content.
    """
    return await _store(request, params, {"idempotency_key": key, "client": client}, wait_s)


@router.post(
    "/v1/tracks/unchanged",
    response_model=None,
    responses={200: {"model": TrackCheckBody}, **problems(*USUAL, Code.INSUFFICIENT_STORAGE)},
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": json_of("TrackCheck", {})}}},
    dependencies=[Depends(no_parameters)],
    summary="Need a file be sent?",
)
async def unchanged(request: Request, client: Client) -> Response:
    """Say whether a track stands for a file already: it has this content and an embedding of the catalogue's model.

    Its metadata is updated. Where the answer names no track, the file has to be sent.
    """
    asked = parse_options(TrackCheck, await read_json(request, settings_of(request)))
    found = await plane_of(request).catalog.unchanged(asked.submission(), asked.content_sha256)
    return json_response({"id": found})


@router.get(
    "/v1/tracks",
    response_model=None,
    responses={200: {"model": TracksBody}, **problems(*USUAL)},
    summary="Tracks of the catalogue",
)
async def tracks(request: Request, client: Client, params: Annotated[TracksParams, Query()]) -> Response:
    """List tracks in the order of creation."""
    page = await plane_of(request).catalog.tracks(params.where(), params.cursor, params.limit)
    return json_response(tracks_body(page))


@router.get(
    "/v1/tracks/{track_id}",
    response_model=None,
    responses={
        200: {"model": TrackBody, "headers": {"ETag": {"schema": {"type": "string"}}}},
        304: {"description": "`If-None-Match` names the current ETag"},
        **problems(*USUAL, Code.NOT_FOUND),
    },
    dependencies=[Depends(no_parameters)],
    summary="One track",
)
async def track(request: Request, client: Client, track_id: TrackIdPath) -> Response:
    """Tell everything that is kept of a track."""
    found = json_response(track_body(await plane_of(request).catalog.track(track_id)))
    headers = {"etag": f'"{hashlib.sha256(found.body).hexdigest()[:32]}"', "cache-control": "private, no-cache"}
    if is_known(request.headers.get("if-none-match"), headers["etag"]):
        return Response(None, 304, headers)
    found.headers.update(headers)
    return found


@router.delete(
    "/v1/tracks/{track_id}",
    status_code=204,
    response_model=None,
    responses={204: {"description": "it is in no answer from now on"}, **problems(*USUAL, Code.NOT_FOUND)},
    dependencies=[Depends(no_parameters)],
    summary="Delete a track",
)
async def delete_track(request: Request, client: Client, track_id: TrackIdPath) -> Response:
    """Delete a track for good."""
    await plane_of(request).catalog.delete_track(track_id)
    return Response(None, 204)


async def _store(request: Request, params: TrackUploadParams, sent: Sent, wait_s: float | None) -> Response:
    plane = plane_of(request)
    if is_json(request):
        if request.query_params:
            raise SonotypeError(Code.INVALID_REQUEST, "The options of a JSON request belong in its body.")
        body = parse_options(TrackSubmission, await read_json(request, settings_of(request)))
        submission = replace(body.submission(sent), timeout_s=wait_s)
        return _stored(await unless_client_leaves(request, plane.catalog.put_track(submission)))
    with plane.reserve_bytes() as budget:
        received = await receive(request, settings_of(request), budget, "metadata")
        submission = _with_upload(params, sent, received.json)
        sooner = min((t for t in (submission.timeout_s, wait_s) if t is not None), default=None)
        work = plane.catalog.put_track(replace(submission, timeout_s=sooner), received.upload)
        return _stored(await unless_client_leaves(request, work))


def _with_upload(params: TrackUploadParams, sent: Sent, told: Any) -> Submission:
    """Metadata stand in the query string or in a part of their own, never in both."""
    if told is None:
        return params.submission(sent)
    if params.names_metadata():
        raise SonotypeError(
            Code.INVALID_REQUEST, "Give the metadata in the part `metadata` or as parameters, not both."
        )
    return params.submission(sent, parse_options(MetadataBody, told).metadata())


def _stored(stored: Stored) -> Response:
    headers = {"location": track_url(stored.track.id)} if stored.created else {}
    if stored.replayed:
        headers["idempotency-replayed"] = "true"
    return json_response(track_body(stored.track), 201 if stored.created else 200, headers)
