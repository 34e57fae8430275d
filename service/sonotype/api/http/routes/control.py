"""Changing what is served while the service runs: `/v1/models/{name}/load`, `/rollback` and `/unload`."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from sonotype.api.control_params import LoadBody
from sonotype.api.http.auth import Client
from sonotype.api.http.catalog_docs import json_of
from sonotype.api.http.context import plane_of, settings_of
from sonotype.api.http.intake import is_json, read_json
from sonotype.api.http.leave import unless_client_leaves
from sonotype.api.http.render import json_response, model_body
from sonotype.api.http.routes.models import no_parameters
from sonotype.api.http.schemas import problems
from sonotype.api.http.schemas_control import ModelChangeBody
from sonotype.api.options import parse_options
from sonotype.api.view import view_model
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.port import ModelChange

router = APIRouter(tags=["models"], dependencies=[Depends(no_parameters)])

_EXAMPLES: dict[str, Any] = {"newest": {"value": {}}, "version": {"value": {"version": "2"}}}
_BODY: dict[str, Any] = {
    "requestBody": {"required": False, "content": {"application/json": json_of("LoadBody", _EXAMPLES)}}
}
_CODES = (
    Code.UNAUTHENTICATED,
    Code.FORBIDDEN,
    Code.MODEL_NOT_FOUND,
    Code.CONFLICT,
    Code.DRAINING,
    Code.INTERNAL,
)
_LOADING = (Code.INVALID_REQUEST, *_CODES, Code.UNAVAILABLE, Code.WEIGHTS_MISSING, Code.WEIGHTS_CORRUPT)


def _answers(*codes: Code) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": ModelChangeBody}, **problems(*codes)}


@router.post(
    "/v1/models/{name}/load",
    response_model=None,
    responses=_answers(*_LOADING, Code.UNSUPPORTED_FORMAT),
    openapi_extra=_BODY,
    summary="Load a version of a model",
)
async def load(request: Request, client: Client, name: str) -> Response:
    """Serve a version of a model, made ready beside the one that is served; requests go on meanwhile.

    The repositories are read again first. A failure leaves what is served as it was and says why. Who disconnects
    before the answer abandons the change.
    """
    body = parse_options(LoadBody, await _options(request))
    return await _answer(request, plane_of(request).load_model(name, body.version))


@router.post(
    "/v1/models/{name}/rollback",
    response_model=None,
    responses=_answers(*_LOADING),
    summary="Go back to the version before",
)
async def rollback(request: Request, client: Client, name: str) -> Response:
    """Serve the version that was served before the present one, or where none is known the next older one."""
    return await _answer(request, plane_of(request).rollback_model(name))


@router.post(
    "/v1/models/{name}/unload",
    response_model=None,
    responses=_answers(*_CODES, Code.INVALID_REQUEST, Code.UNAVAILABLE),
    summary="Serve a model no longer",
)
async def unload(request: Request, client: Client, name: str) -> Response:
    """Stop serving a model. The default model cannot be unloaded, nor a network that heads stand on."""
    return await _answer(request, plane_of(request).unload_model(name))


async def _options(request: Request) -> Any:
    """The body, which may be missing. Raises `unsupported_format` for one that is not JSON."""
    if is_json(request):
        return await read_json(request, settings_of(request))
    if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
        raise SonotypeError(Code.UNSUPPORTED_FORMAT, "Send the request as application/json, or without a body.")
    return {}


async def _answer(request: Request, work: Coroutine[Any, Any, ModelChange]) -> Response:
    change = await unless_client_leaves(request, work)
    shown = model_body(view_model(plane_of(request), change.model))
    return json_response({**shown, "previous": change.previous})
