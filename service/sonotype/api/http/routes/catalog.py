"""The catalogue as a whole: `/v1/catalog` and its generations."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from sonotype.api.http.auth import Client
from sonotype.api.http.catalog_docs import USUAL
from sonotype.api.http.context import plane_of, settings_of
from sonotype.api.http.render import json_response
from sonotype.api.http.render_catalog import catalog_body, generation_body
from sonotype.api.http.routes.models import no_parameters
from sonotype.api.http.schemas import problems
from sonotype.api.http.schemas_catalog import CatalogBody, GenerationBody
from sonotype.core.errors import Code

router = APIRouter(tags=["catalogue"], dependencies=[Depends(no_parameters)])


@router.get(
    "/v1/catalog",
    response_model=None,
    responses={200: {"model": CatalogBody}, **problems(*USUAL)},
    summary="Size, generations and state",
)
async def catalog(request: Request, client: Client) -> Response:
    """Tell how many tracks there are, how many are stale, and which generation is searched."""
    takes_jobs = settings_of(request).ingest_root is not None
    return json_response(catalog_body(await plane_of(request).catalog.status(), takes_jobs=takes_jobs))


@router.post(
    "/v1/catalog/generations/{name}/promote",
    response_model=None,
    responses={
        200: {"model": GenerationBody},
        **problems(*USUAL, Code.NOT_FOUND, Code.CONFLICT, Code.INSUFFICIENT_STORAGE),
    },
    summary="Search another generation",
)
async def promote(request: Request, client: Client, name: str) -> Response:
    """Let searches use a generation, newer or older; refused while its recall is below 0.95."""
    return json_response(generation_body(await plane_of(request).catalog.promote(name)))
