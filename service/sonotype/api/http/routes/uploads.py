"""The routes that take audio: `/v1/analyze`, `/v1/tags` and `/v1/embeddings`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from sonotype.api.http.auth import Client
from sonotype.api.http.context import plane_of, request_id_of, settings_of
from sonotype.api.http.intake import read_upload
from sonotype.api.http.leave import unless_client_leaves
from sonotype.api.http.render import NPY, analysis_body, json_response, one_npy
from sonotype.api.http.schemas import AnalysisBody, problems
from sonotype.api.http.timing import server_timing
from sonotype.api.params import AnalyzeParams, EmbeddingParams, Encoding, TagParams
from sonotype.api.view import rendered, view
from sonotype.core.errors import Code
from sonotype.core.types import Analysis
from sonotype.plane.query import AnalyzeQuery

router = APIRouter()

_BINARY = {"schema": {"type": "string", "format": "binary"}}
FORM = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary", "description": "the audio file"}},
        "additionalProperties": False,
    }
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The audio file, as a form or as it is. Its format is found by its content.",
        "content": {"multipart/form-data": FORM, "audio/*": _BINARY, "application/octet-stream": _BINARY},
    }
}
CANNOT_HAPPEN = frozenset(
    {
        Code.NOT_FOUND,
        Code.FORBIDDEN,
        Code.CONFLICT,
        Code.IDEMPOTENCY_MISMATCH,
        Code.INSUFFICIENT_STORAGE,
        Code.METHOD_NOT_ALLOWED,
        Code.RANGE_NOT_SATISFIABLE,
        Code.SOURCE_UNREACHABLE,
        Code.CANCELLED,
    }
)
_RESPONSES = problems(*(code for code in Code if code not in CANNOT_HAPPEN))
_OPTIONS: dict[str, Any] = {
    "response_model": None,
    "responses": {200: {"model": AnalysisBody}, **_RESPONSES},
    "openapi_extra": _BODY,
}
_NPY_TOO = {200: {"model": AnalysisBody, "content": {NPY: _BINARY}}, **_RESPONSES}

Timeout = Annotated[float | None, Header(alias="X-Request-Timeout", gt=0, description="deadline in seconds")]


@router.post("/v1/analyze", tags=["audio"], summary="Tags, timeline, embeddings and reasons of a file", **_OPTIONS)
async def analyze(
    request: Request, client: Client, params: Annotated[AnalyzeParams, Query()], wait_s: Timeout = None
) -> Response:
    """Analyse one audio file and show everything that was asked for."""
    return await _as_json(request, _asked(request, params.query(), client, wait_s), params.encoding)


@router.post("/v1/tags", tags=["audio"], summary="Tags of a file", **_OPTIONS)
async def tags(
    request: Request, client: Client, params: Annotated[TagParams, Query()], wait_s: Timeout = None
) -> Response:
    """Analyse one audio file and show its tags."""
    return await _as_json(request, _asked(request, params.query(), client, wait_s), "json")


@router.post("/v1/embeddings", tags=["audio"], summary="Embeddings of a file", **(_OPTIONS | {"responses": _NPY_TOO}))
async def embeddings(
    request: Request, client: Client, params: Annotated[EmbeddingParams, Query()], wait_s: Timeout = None
) -> Response:
    """Analyse one audio file and show its embeddings; with `encoding=npy` the answer is one NumPy file."""
    query = _asked(request, params.query(), client, wait_s)
    if params.encoding != "npy":
        return await _as_json(request, query, params.encoding)
    analysis = await _analyze(request, query)
    content = await rendered(query, lambda: one_npy(view(plane_of(request), analysis, query)))
    headers = {"cache-control": "no-store", **server_timing(analysis.timings_s)}
    return Response(content, 200, headers, NPY)


def _asked(request: Request, query: AnalyzeQuery, client: str | None, timeout_s: float | None) -> AnalyzeQuery:
    """Add to the query what stands in the headers."""
    bypass = "no-store" in request.headers.get("cache-control", "").lower()
    return replace(
        query,
        client=client,
        timeout_s=min((t for t in (query.timeout_s, timeout_s) if t is not None), default=None),
        use_cache=query.use_cache and not bypass,
    )


async def _as_json(request: Request, query: AnalyzeQuery, encoding: Encoding) -> Response:
    analysis = await _analyze(request, query)

    def render() -> Response:
        shown = view(plane_of(request), analysis, query)
        body = analysis_body(request_id_of(request), analysis.clip, shown, encoding)
        return json_response(body, headers=server_timing(analysis.timings_s))

    return await rendered(query, render)


async def _analyze(request: Request, query: AnalyzeQuery) -> Analysis:
    plane = plane_of(request)
    with plane.reserve_bytes() as budget:
        upload, seconds = await read_upload(request, settings_of(request), budget)
        analysis = await unless_client_leaves(request, plane.analyze(upload, query))
    return replace(analysis, timings_s={**seconds, **analysis.timings_s})
