"""Prototypes: `/v1/prototypes`, one of them, and its audio."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from sonotype.api.http.audio import audio_response
from sonotype.api.http.auth import Client
from sonotype.api.http.context import plane_of
from sonotype.api.http.leave import unless_client_leaves
from sonotype.api.http.render import json_response
from sonotype.api.http.render_prototypes import prototype_body, prototypes_body
from sonotype.api.http.routes.models import no_parameters
from sonotype.api.http.schemas import problems
from sonotype.api.http.schemas_prototypes import PrototypeBody, PrototypesBody
from sonotype.api.prototypes import view_prototype, view_prototypes
from sonotype.api.sonify import AudioParams, PrototypesParams
from sonotype.core.errors import Code

router = APIRouter(tags=["prototypes"])

AUDIO_TYPES = ("audio/wav", "audio/flac", "audio/ogg", "audio/mpeg")
BINARY = {"schema": {"type": "string", "format": "binary"}}
_USUAL = (Code.INVALID_REQUEST, Code.UNAUTHENTICATED)
_WORKING = (Code.OVERLOADED, Code.DRAINING, Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.INTERNAL)


def _said(*headers: tuple[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in headers}


_HEADERS = _said(
    ("ETag", "of exactly these bytes"),
    ("Accept-Ranges", "`bytes`"),
    ("Sonotype-Rendering", "what is heard: `prototype; seed=0`, `medoid; seed=0` or `segment`"),
    ("Sonotype-Duration", "seconds"),
)
_AUDIO: dict[int | str, dict[str, Any]] = {
    200: {"content": dict.fromkeys(AUDIO_TYPES, BINARY), "headers": _HEADERS, "description": "the whole file"},
    206: {"content": dict.fromkeys(AUDIO_TYPES, BINARY), "headers": _HEADERS, "description": "the range asked for"},
    304: {"description": "`If-None-Match` names the current ETag"},
    **problems(*_USUAL, Code.NOT_FOUND, Code.RANGE_NOT_SATISFIABLE, *_WORKING),
}


@router.get(
    "/v1/prototypes",
    response_model=None,
    responses={200: {"model": PrototypesBody}, **problems(*_USUAL, Code.MODEL_NOT_FOUND)},
    summary="Prototypes of the served models",
)
async def prototypes(request: Request, client: Client, params: Annotated[PrototypesParams, Query()]) -> Response:
    """List prototypes, of one model or class where named."""
    return json_response(prototypes_body(view_prototypes(plane_of(request), params.model, params.label)))


@router.get(
    "/v1/prototypes/{prototype_id}",
    response_model=None,
    responses={200: {"model": PrototypeBody}, **problems(*_USUAL, Code.NOT_FOUND)},
    dependencies=[Depends(no_parameters)],
    summary="One prototype",
)
async def prototype(request: Request, client: Client, prototype_id: str) -> Response:
    """Describe one prototype: what can be heard of it, how far that can be trusted, and where it comes from."""
    return json_response(prototype_body(view_prototype(plane_of(request).prototype(prototype_id))))


async def prototype_audio(
    request: Request, client: Client, prototype_id: str, params: Annotated[AudioParams, Query()]
) -> Response:
    """Play a prototype.

    Without `kind` and `seed` it plays what is offered: the decoded prototype where it passed the faithfulness gate,
    else the nearest real segment; the header `Sonotype-Rendering` says which.
    """
    work = plane_of(request).prototype_audio(prototype_id, params.rendering(), params.format)
    return audio_response(request, await unless_client_leaves(request, work))


_PATH = "/v1/prototypes/{prototype_id}/audio"
_SAME: dict[str, Any] = {"response_model": None, "responses": _AUDIO}
router.get(_PATH, summary="A prototype as sound", **_SAME)(prototype_audio)
router.head(_PATH, summary="Size and ETag of a prototype's sound", **_SAME)(prototype_audio)
