"""Ordered lists of tracks: `/v1/playlists`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from sonotype.api.catalog_params import PlaylistBody
from sonotype.api.http.auth import Client
from sonotype.api.http.catalog_docs import ASKING, json_of
from sonotype.api.http.context import plane_of, settings_of
from sonotype.api.http.intake import is_json, read_json
from sonotype.api.http.leave import unless_client_leaves
from sonotype.api.http.routes.similar import matches_response
from sonotype.api.http.schemas import problems
from sonotype.api.http.schemas_catalog import MatchesBody
from sonotype.api.m3u8 import MEDIA_TYPE, m3u8
from sonotype.api.options import Options, parse_options
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog.values import Matches

router = APIRouter(tags=["similarity"])

_ACCEPTED = (MEDIA_TYPE, "audio/mpegurl", "application/x-mpegurl", "application/vnd.apple.mpegurl")
_EXAMPLE = {"seeds": [{"track": "a"}], "count": 30, "constraints": {"max_per_artist": 3}, "order": "smooth"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": json_of("PlaylistBody", {"one seed": {"value": _EXAMPLE}})},
    }
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": MatchesBody,
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        "description": "the tracks in their order, as JSON or as M3U8",
    },
    **problems(*ASKING, Code.UNSUPPORTED_FORMAT),
}


class PlaylistParams(Options):
    """In which form to answer."""

    format: Literal["json", "m3u8"] | None = Field(
        None, description="absent means M3U8 where the header `Accept` names it, else JSON"
    )


@router.post(
    "/v1/playlists", response_model=None, responses=_RESPONSES, openapi_extra=_BODY, summary="A list to listen to"
)
async def playlist(request: Request, client: Client, params: Annotated[PlaylistParams, Query()]) -> Response:
    """Make an ordered list of tracks that begins near the seeds; nothing is stored."""
    if not is_json(request):
        raise SonotypeError(Code.UNSUPPORTED_FORMAT, "Send the request as application/json.")
    body = parse_options(PlaylistBody, await read_json(request, settings_of(request)))
    work = plane_of(request).catalog.playlist(replace(body.query(), client=client))
    found = await unless_client_leaves(request, work)
    if params.format == "m3u8" or (params.format is None and _wants_m3u8(request)):
        return m3u8_response(found)
    answer = matches_response(request, found)
    answer.headers["vary"] = "accept"
    return answer


def m3u8_response(found: Matches) -> Response:
    """The tracks as a file that players open."""
    headers = {
        "cache-control": "no-store",
        "vary": "accept",
        "content-disposition": 'inline; filename="playlist.m3u8"',
    }
    text = m3u8(match.track for match in found.matches)
    return Response(text, 200, headers, f"{MEDIA_TYPE}; charset=utf-8")


def _wants_m3u8(request: Request) -> bool:
    accepted = (kind.partition(";")[0].strip().lower() for kind in request.headers.get("accept", "").split(","))
    return any(kind in _ACCEPTED for kind in accepted)
