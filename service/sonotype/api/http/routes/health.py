"""For probes and scrapers: `/livez`, `/readyz` and `/metrics`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import PlainTextResponse, Response

from sonotype.api.http.auth import Client
from sonotype.api.http.context import plane_of
from sonotype.api.http.render import json_response, readiness_body
from sonotype.api.http.schemas import ReadinessBody, problems
from sonotype.core.errors import Code

router = APIRouter(tags=["operations"])

Need = Annotated[
    Literal["catalog"] | None,
    Query(description="what must be there beside the models: `catalog` for whoever sends queries for similar tracks"),
]


@router.get("/livez", response_class=PlainTextResponse, summary="Is the process alive?")
async def livez() -> str:
    """Answer as long as the event loop turns; needs no API key and looks at nothing else."""
    return "ok\n"


@router.get(
    "/readyz",
    response_model=None,
    responses={200: {"model": ReadinessBody}, 503: {"model": ReadinessBody, "description": "not ready"}},
    summary="Can requests be answered?",
)
async def readyz(request: Request, need: Need = None) -> Response:
    """Answer 200 while requests can be answered and 503 otherwise; needs no API key.

    Uploads are analysed while the catalogue is still being opened; with `need=catalog` that counts, too.
    """
    readiness = await plane_of(request).readiness()
    ready = readiness.ready if need is None else readiness.finds
    return json_response(readiness_body(readiness), 200 if ready else 503)


@router.get(
    "/metrics", response_class=PlainTextResponse, responses=problems(Code.UNAUTHENTICATED), summary="Prometheus metrics"
)
async def metrics(client: Client) -> Response:
    """All collectors in the text format; needs an API key where keys are in use."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
