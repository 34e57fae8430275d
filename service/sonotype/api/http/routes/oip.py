"""The Open Inference Protocol, version 2, over REST: `/v2`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from pydantic_core import from_json
from starlette.responses import Response

from sonotype.api.http.auth import Client
from sonotype.api.http.context import plane_of, settings_of
from sonotype.api.http.intake import read_whole
from sonotype.api.http.leave import unless_client_leaves
from sonotype.api.http.oip_body import read_request, write_answer
from sonotype.api.http.oip_schemas import (
    IndexBody,
    MetadataBody,
    ModelReadyBody,
    ServerBody,
    ServerLiveBody,
    ServerReadyBody,
    errors,
    infer_options,
)
from sonotype.api.http.render import json_response
from sonotype.api.http.routes.models import no_parameters
from sonotype.api.oip import describe
from sonotype.api.oip.infer import InferAnswer, infer
from sonotype.api.oip.request import InferRequest
from sonotype.api.oip.tensors import invalid
from sonotype.core.errors import Code

router = APIRouter(tags=["open inference protocol"], prefix="/v2", dependencies=[Depends(no_parameters)])

_PATH = {"parameters": [{"name": "version", "in": "path", "required": True, "schema": {"type": "string"}}]}


def _version(request: Request) -> str:
    """The version in the path; empty on routes without one, where a parameter would belong to the query."""
    return str(request.path_params.get("version", ""))


Version = Annotated[str, Depends(_version)]
_FIND = errors(Code.UNAUTHENTICATED, Code.MODEL_NOT_FOUND)
_MODEL = "/models/{name}"
_VERSION = "/models/{name}/versions/{version}"
Timeout = Annotated[float | None, Header(alias="X-Request-Timeout", gt=0, description="deadline in seconds")]


@router.get("/health/live", response_model=ServerLiveBody, summary="Is the process alive?")
async def live() -> dict[str, bool]:
    """Answer as long as the event loop turns; needs no API key."""
    return {"live": True}


@router.get(
    "/health/ready",
    response_model=None,
    responses={200: {"model": ServerReadyBody}, 503: {"model": ServerReadyBody, "description": "not ready"}},
    summary="Can requests be answered?",
)
async def ready(request: Request) -> Response:
    """Answer 200 while requests can be answered and 503 otherwise; needs no API key."""
    is_ready = (await plane_of(request).readiness()).ready
    return json_response({"ready": is_ready}, 200 if is_ready else 503)


@router.get("", response_model=ServerBody, responses=errors(Code.UNAUTHENTICATED), summary="The server")
async def server(client: Client) -> dict[str, Any]:
    """Name, version and extensions."""
    extensions = list(describe.EXTENSIONS)
    return {"name": describe.SERVER, "version": describe.server_version(), "extensions": extensions}


@router.get(_MODEL, response_model=MetadataBody, responses=_FIND, summary="Inputs and outputs of a model")
@router.get(
    _VERSION,
    response_model=MetadataBody,
    responses=_FIND,
    summary="Inputs and outputs of a version",
    openapi_extra=_PATH,
)
async def metadata(request: Request, client: Client, name: str, version: Version) -> dict[str, Any]:
    """Describe a model; -1 in a shape stands for a size that depends on the request."""
    return asdict(describe.describe(plane_of(request), describe.address_of(name, version)))


_READY: dict[int | str, dict[str, Any]] = {
    200: {"model": ModelReadyBody},
    503: {"model": ModelReadyBody, "description": "not ready"},
    **_FIND,
}


@router.get(f"{_MODEL}/ready", response_model=None, responses=_READY, summary="Can a model be asked?")
@router.get(
    f"{_VERSION}/ready", response_model=None, responses=_READY, summary="Can a version be asked?", openapi_extra=_PATH
)
async def model_ready(request: Request, client: Client, name: str, version: Version) -> Response:
    """Answer 200 while requests for the model can be answered and 503 otherwise."""
    is_ready = await describe.is_ready(plane_of(request), describe.address_of(name, version))
    return json_response({"name": name, "ready": is_ready}, 200 if is_ready else 503)


@router.post(f"{_MODEL}/infer", summary="Run a model", **infer_options())
@router.post(f"{_VERSION}/infer", summary="Run a version", **infer_options(_PATH))
async def model_infer(
    request: Request,
    client: Client,
    name: str,
    version: Version,
    wait_s: Timeout = None,
) -> Response:
    """Analyse one or more pieces of audio with one model.

    With binary tensor data the header `Inference-Header-Content-Length` says how many bytes of JSON come first.
    """
    plane, settings = plane_of(request), settings_of(request)
    describe.address_of(name, version)
    head_length = request.headers.get("inference-header-content-length")
    with plane.reserve_bytes() as budget:
        body, _ = await read_whole(request, settings, budget)

        async def work() -> tuple[InferRequest, InferAnswer]:
            asked = await asyncio.to_thread(read_request, body, head_length, name, version)
            return asked, await infer(plane, asked, client, wait_s)

        asked, answer = await unless_client_leaves(request, work())
    return write_answer(asked, answer, {})


@router.post(
    "/repository/index",
    response_model=list[IndexBody],
    responses=errors(Code.UNAUTHENTICATED, Code.INVALID_REQUEST),
    summary="Every model",
)
async def repository(request: Request, client: Client) -> list[dict[str, str]]:
    """List the models, served or not; with `{"ready": true}` only those that are served."""
    plane = plane_of(request)
    with plane.reserve_bytes() as budget:
        body = await _optional_body(request, budget)
    return [asdict(entry) for entry in describe.index(plane, bool(body.get("ready")))]


async def _optional_body(request: Request, budget: Any) -> dict[str, Any]:
    if request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
        return {}
    body, _ = await read_whole(request, settings_of(request), budget)
    try:
        value = from_json(body)
    except ValueError:
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("ready", False), bool) or value.keys() - {"ready"}:
        raise invalid('The body is nothing, or {"ready": true}.')
    return value
