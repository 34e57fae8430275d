"""What can be asked: `/v1/models`."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from sonotype.api.http.auth import Client
from sonotype.api.http.context import plane_of
from sonotype.api.http.render import json_response, model_body
from sonotype.api.http.schemas import ModelBody, ModelsBody, problems
from sonotype.api.view import view_model
from sonotype.core.errors import Code, SonotypeError


def no_parameters(request: Request) -> None:
    """Refuse query parameters where there are none to give. Raises `invalid_request`."""
    if request.query_params:
        raise SonotypeError(Code.INVALID_REQUEST, "This resource takes no query parameters.")


router = APIRouter(tags=["models"], dependencies=[Depends(no_parameters)])


@router.get(
    "/v1/models",
    response_model=None,
    responses={200: {"model": ModelsBody}, **problems(Code.UNAUTHENTICATED)},
    summary="Every model",
)
async def models(request: Request, client: Client) -> Response:
    """List every model of the repositories, served or not."""
    plane = plane_of(request)
    return json_response({"models": [model_body(view_model(plane, info)) for info in plane.models()]})


@router.get(
    "/v1/models/{name}",
    response_model=None,
    responses={200: {"model": ModelBody}, **problems(Code.UNAUTHENTICATED, Code.MODEL_NOT_FOUND)},
    summary="One model",
)
async def model(request: Request, client: Client, name: str) -> Response:
    """Describe one model, by `name` or `name@version`."""
    plane = plane_of(request)
    return json_response(model_body(view_model(plane, plane.model(name))))
