"""What is similar, why, and what lies between: `/v1/tracks/{id}/similar`, `/v1/similar`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from sonotype.api.catalog_params import UPLOAD, PathParams, SimilarBody, SimilarParams, SimilarUploadParams
from sonotype.api.http.auth import Client
from sonotype.api.http.catalog_docs import ASKING, BINARY, LISTENING, form_of, json_of
from sonotype.api.http.context import plane_of, request_id_of, settings_of
from sonotype.api.http.intake import is_json, read_json, receive
from sonotype.api.http.leave import unless_client_leaves
from sonotype.api.http.render import json_response
from sonotype.api.http.render_catalog import matches_body, why_body
from sonotype.api.http.routes.models import no_parameters
from sonotype.api.http.routes.tracks import TrackIdPath
from sonotype.api.http.routes.uploads import Timeout
from sonotype.api.http.schemas import problems
from sonotype.api.http.schemas_catalog import MatchesBody, WhyBody
from sonotype.api.options import parse_options
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Upload
from sonotype.plane.catalog.values import Matches, Seed, SimilarQuery

router = APIRouter(tags=["similarity"])

_EXAMPLES = {
    "like this, less like that": {
        "value": {
            "seeds": [{"track": "a"}, {"tag": "vocal", "weight": -0.5}],
            "k": 20,
            "constraints": {"max_per_artist": 2},
        }
    },
    "upload and prototype": {"value": {"seeds": [{"upload": True}, {"prototype": "instruments-pecmae.cello.0"}]}},
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "JSON, a form with the audio and a part `query` with the same JSON beside it, or the audio as "
        "it is with options in the query string.",
        "content": {
            "application/json": json_of("SimilarBody", _EXAMPLES),
            "multipart/form-data": form_of("query", "SimilarBody"),
            "audio/*": BINARY,
        },
    }
}


def answered(*codes: Code) -> dict[str, Any]:
    """How a route with matches is documented."""
    return {"response_model": None, "responses": {200: {"model": MatchesBody}, **problems(*codes)}}


@router.get("/v1/tracks/{track_id}/similar", summary="Tracks similar to one", **answered(*ASKING))
async def similar_to_track(
    request: Request,
    client: Client,
    track_id: TrackIdPath,
    params: Annotated[SimilarParams, Query()],
    wait_s: Timeout = None,
) -> Response:
    """Find the tracks that sound most like this one."""
    query = _asked(params.query((Seed(track=track_id),)), client, wait_s)
    return matches_response(request, await plane_of(request).catalog.similar(query))


@router.post("/v1/similar", summary="Tracks similar to anything", openapi_extra=_BODY, **answered(*LISTENING))
async def similar(
    request: Request, client: Client, params: Annotated[SimilarUploadParams, Query()], wait_s: Timeout = None
) -> Response:
    """Find tracks near a weighted mixture of tracks, embeddings, prototypes, tags and an upload.

    A seed with a negative weight pushes away. An upload is analysed, neither stored nor kept.
    """
    with ExitStack() as held:
        query, upload = await _read(request, params, held)
        work = plane_of(request).catalog.similar(_asked(query, client, wait_s), upload)
        return matches_response(request, await unless_client_leaves(request, work))


@router.get(
    "/v1/tracks/{track_id}/similar/{other_id}/why",
    response_model=None,
    responses={200: {"model": WhyBody}, **problems(*ASKING)},
    dependencies=[Depends(no_parameters)],
    summary="Why two tracks are alike",
)
async def why(request: Request, client: Client, track_id: TrackIdPath, other_id: TrackIdPath) -> Response:
    """Name what two tracks share: tags, labels, prototypes, metadata."""
    return json_response(why_body(await plane_of(request).catalog.why(track_id, other_id)))


@router.get("/v1/tracks/{track_id}/path/{other_id}", summary="A way between two tracks", **answered(*ASKING))
async def path(
    request: Request,
    client: Client,
    track_id: TrackIdPath,
    other_id: TrackIdPath,
    params: Annotated[PathParams, Query()],
) -> Response:
    """Go from one track to another in small steps; both ends are included."""
    work = plane_of(request).catalog.path(params.query(track_id, other_id))
    return matches_response(request, await unless_client_leaves(request, work))  # a hundred stops take many searches


def matches_response(request: Request, found: Matches) -> Response:
    """Tracks in an order, as JSON."""
    return json_response(matches_body(request_id_of(request), found))


async def _read(request: Request, params: SimilarUploadParams, held: ExitStack) -> tuple[SimilarQuery, Upload | None]:
    """The question, and its upload, whose bytes are counted as long as `held` is not closed."""
    if is_json(request):
        _no_parameters_beside(request)
        return parse_options(SimilarBody, await read_json(request, settings_of(request))).query(), None
    budget = held.enter_context(plane_of(request).reserve_bytes())
    received = await receive(request, settings_of(request), budget, "query")
    if received.json is None:
        return params.query(UPLOAD, params.lane), received.upload
    _no_parameters_beside(request)
    return parse_options(SimilarBody, received.json).query(has_upload=True), received.upload


def _no_parameters_beside(request: Request) -> None:
    if request.query_params:
        raise SonotypeError(Code.INVALID_REQUEST, "The options of a request with JSON belong in it.")


def _asked(query: SimilarQuery, client: str | None, wait_s: float | None) -> SimilarQuery:
    sooner = min((t for t in (query.timeout_s, wait_s) if t is not None), default=None)
    return replace(query, client=client, timeout_s=sooner)
