"""Taggers that a catalogue can teach: `/v1/taggers` and one of them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from sonotype.api.http.auth import Client
from sonotype.api.http.catalog_docs import BINARY, LISTENING, USUAL, form_of, json_of
from sonotype.api.http.context import plane_of, request_id_of, settings_of
from sonotype.api.http.intake import is_json, read_json, receive
from sonotype.api.http.leave import unless_client_leaves
from sonotype.api.http.render import json_response
from sonotype.api.http.routes.models import no_parameters
from sonotype.api.http.schemas import problems
from sonotype.api.http.schemas_taggers import (
    TaggedBody,
    TaggerInfoBody,
    TaggerOutcomeBody,
    TaggerReportBody,
    TaggersBody,
    TaggerVersionsBody,
)
from sonotype.api.options import parse_options
from sonotype.api.tagger_params import (
    FeedbackBody,
    ReportParams,
    RollbackBody,
    TagBody,
    TaggerBody,
    TagParams,
    UndoBody,
    VersionsParams,
)
from sonotype.api.tagger_view import (
    doubts_csv,
    outcome_body,
    report_body,
    tagged_body,
    tagger_body,
    taggers_body,
    versions_body,
)
from sonotype.catalog.taggers.tagger import Outcome
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog.tagger_values import TaggerPlane, TagQuery

router = APIRouter(tags=["taggers"])
NamePath = Annotated[str, Path(description="of a tagger")]
_CHANGING = (*USUAL, Code.NOT_FOUND, Code.CONFLICT, Code.INSUFFICIENT_STORAGE)


def _takes(schema: str, example: dict[str, Any], **others: Any) -> dict[str, Any]:
    content = {"application/json": json_of(schema, {"body": {"value": example}})} | others
    return {"requestBody": {"required": True, "content": content}}


def _answers(model: type, *codes: Code, status: int = 200) -> dict[str, Any]:
    return {"response_model": None, "responses": {status: {"model": model}, **problems(*codes)}}


@router.post(
    "/v1/taggers",
    status_code=201,
    summary="Fit a tagger",
    openapi_extra=_takes(
        "TaggerBody",
        {"name": "moods", "from": {"collection": ["vinyl"]}, "budget": 0.05},
        **{"multipart/form-data": form_of("tagger", "TaggerBody")},
    ),
    dependencies=[Depends(no_parameters)],
    **_answers(TaggerInfoBody, *_CHANGING, Code.UPLOAD_TOO_LARGE, Code.UPLOAD_TIMEOUT, status=201),
)
async def create(request: Request, client: Client) -> Response:
    """Shrink tagged tracks to prototypes that tag others.

    The tracks are those of the catalogue that the filter lets through, with their own tags; or those of a table
    `id,label,label…` (CSV), sent as the `file` of a form whose part `tagger` holds the JSON.
    """
    plane = plane_of(request)
    taggers = plane.catalog.taggers
    if is_json(request):
        new = parse_options(TaggerBody, await read_json(request, settings_of(request))).new()
        return _made(tagger_body(await unless_client_leaves(request, taggers.create(new))))
    with plane.reserve_bytes() as budget:
        received = await receive(request, settings_of(request), budget, "tagger")
        new = parse_options(TaggerBody, received.json or {}).new(received.upload.data)
        return _made(tagger_body(await unless_client_leaves(request, taggers.create(new))))


@router.get(
    "/v1/taggers", summary="Every tagger", dependencies=[Depends(no_parameters)], **_answers(TaggersBody, *USUAL)
)
async def taggers(request: Request, client: Client) -> Response:
    """List taggers, and those that are being made."""
    return json_response(taggers_body(*await _taggers(request).all()))


@router.get(
    "/v1/taggers/{name}",
    summary="One tagger",
    dependencies=[Depends(no_parameters)],
    **_answers(TaggerInfoBody, *USUAL, Code.NOT_FOUND),
)
async def tagger(request: Request, client: Client, name: NamePath) -> Response:
    """Tell how a tagger stands."""
    return json_response(tagger_body(await _taggers(request).get(name)))


@router.delete(
    "/v1/taggers/{name}",
    status_code=204,
    response_model=None,
    responses={204: {"description": "it is gone, with its history"}, **problems(*USUAL, Code.NOT_FOUND)},
    dependencies=[Depends(no_parameters)],
    summary="Delete a tagger",
)
async def delete(request: Request, client: Client, name: NamePath) -> Response:
    """Delete a tagger for good; the tracks stay."""
    await _taggers(request).delete(name)
    return Response(None, 204)


@router.post(
    "/v1/taggers/{name}/tag",
    summary="Tag tracks, an embedding or an upload",
    openapi_extra=_takes(
        "TagBody", {"tracks": ["b7Q0xk3m"]}, **{"multipart/form-data": form_of("query", "TagBody"), "audio/*": BINARY}
    ),
    **_answers(TaggedBody, *LISTENING, Code.CONFLICT),
)
async def tag(request: Request, client: Client, name: NamePath, params: Annotated[TagParams, Query()]) -> Response:
    """Say which labels fit, which prototypes and tracks decided, and whether anything known is near."""
    with ExitStack() as held:
        if is_json(request):
            if request.query_params:
                raise SonotypeError(Code.INVALID_REQUEST, "The options of a JSON request belong in its body.")
            body = parse_options(TagBody, await read_json(request, settings_of(request)))
            found = await _taggers(request).tag(body.query(name, client))
            return json_response(tagged_body(request_id_of(request), found, body.top_k, body.threshold))
        budget = held.enter_context(plane_of(request).reserve_bytes())
        received = await receive(request, settings_of(request), budget, "query")
        shown: TagParams | TagBody = params
        query: TagQuery = params.query(name, client)
        if received.json is not None:
            shown = body = parse_options(TagBody, received.json)
            query = body.query(name, client)
        found = await unless_client_leaves(request, _taggers(request).tag(query, received.upload))
        return json_response(tagged_body(request_id_of(request), found, shown.top_k, shown.threshold))


@router.post(
    "/v1/taggers/{name}/feedback",
    summary="Correct a tagger",
    openapi_extra=_takes("FeedbackBody", {"track": "b7Q0xk3m", "label": "calm", "is": True, "event": "e1"}),
    dependencies=[Depends(no_parameters)],
    **_answers(TaggerOutcomeBody, *_CHANGING, Code.IDEMPOTENCY_MISMATCH),
)
async def feedback(request: Request, client: Client, name: NamePath) -> Response:
    """Say that a track is, or is not, what a label says; the next answer knows it."""
    said = parse_options(FeedbackBody, await read_json(request, settings_of(request))).said(client)
    return await _changed(request, name, await _taggers(request).feedback(name, said))


@router.post(
    "/v1/taggers/{name}/undo",
    summary="Take the last correction back",
    openapi_extra=_takes("UndoBody", {"version": 7}),
    dependencies=[Depends(no_parameters)],
    **_answers(TaggerOutcomeBody, *_CHANGING),
)
async def undo(request: Request, client: Client, name: NamePath) -> Response:
    """Take the last correction that counts back."""
    sent = await read_json(request, settings_of(request)) if is_json(request) else {}
    body = parse_options(UndoBody, sent)
    return await _changed(request, name, await _taggers(request).undo(name, body.version, client))


@router.post(
    "/v1/taggers/{name}/rollback",
    summary="Go back to a version",
    openapi_extra=_takes("RollbackBody", {"version": 1}),
    dependencies=[Depends(no_parameters)],
    **_answers(TaggerOutcomeBody, *_CHANGING),
)
async def rollback(request: Request, client: Client, name: NamePath) -> Response:
    """Go back, or forth, to the state of a version; that makes a new version."""
    body = parse_options(RollbackBody, await read_json(request, settings_of(request)))
    return await _changed(request, name, await _taggers(request).rollback(name, body.version, client))


@router.get(
    "/v1/taggers/{name}/versions", summary="What was changed", **_answers(TaggerVersionsBody, *USUAL, Code.NOT_FOUND)
)
async def versions(
    request: Request, client: Client, name: NamePath, params: Annotated[VersionsParams, Query()]
) -> Response:
    """List the newest changes."""
    return json_response(versions_body(await _taggers(request).versions(name, params.limit)))


@router.get(
    "/v1/taggers/{name}/report",
    response_model=None,
    responses={
        200: {
            "model": TaggerReportBody,
            "content": {"text/csv": {"schema": {"type": "string"}}},
            "description": "JSON; with `Accept: text/csv` the doubts as a table",
        },
        **problems(*USUAL, Code.NOT_FOUND),
    },
    summary="How good a tagger is",
)
async def report(
    request: Request, client: Client, name: NamePath, params: Annotated[ReportParams, Query()]
) -> Response:
    """Measure size against precision on tracks left out, and name labels that look wrong."""
    found = await unless_client_leaves(request, _taggers(request).report(name, params.limit))
    if "text/csv" in request.headers.get("accept", ""):
        return Response(doubts_csv(found), media_type="text/csv", headers={"cache-control": "no-store"})
    return json_response(report_body(found))


def _taggers(request: Request) -> TaggerPlane:
    return plane_of(request).catalog.taggers


def _made(body: dict[str, Any]) -> Response:
    return json_response(body, 201, {"location": f"/v1/taggers/{body['name']}"})


async def _changed(request: Request, name: str, outcome: Outcome) -> Response:
    info = await _taggers(request).get(name)
    return json_response(outcome_body(info.about.labels, outcome))
