"""Audio from an embedding, a mixture of prototypes, a path between classes or an upload: `/v1/sonify`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sonotype.api.http.auth import Client
from sonotype.api.http.context import plane_of, settings_of
from sonotype.api.http.intake import is_json, read_json, read_upload
from sonotype.api.http.routes.prototypes import AUDIO_TYPES, BINARY
from sonotype.api.http.routes.uploads import CANNOT_HAPPEN, FORM, Timeout
from sonotype.api.http.schemas import problems
from sonotype.api.http.stream import StreamedAudio
from sonotype.api.options import parse_options
from sonotype.api.sonify import SonifyBody, SonifyUploadParams
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Upload
from sonotype.plane.sonification import Sonified, SonifyQuery

router = APIRouter(tags=["prototypes"])

_EXAMPLES = {
    "mixture": {"value": {"prototypes": [{"id": "instruments-pecmae.cello.0", "weight": 2}], "seed": 1}},
    "path": {"value": {"path": {"from_label": "flute", "to_label": "cello", "points": 5}, "format": "ogg"}},
}
_JSON = {"schema": {"$ref": "#/components/schemas/SonifyBody"}, "examples": _EXAMPLES}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "JSON with every option, or an audio file with its options in the query string.",
        "content": {"application/json": _JSON, "multipart/form-data": FORM, "audio/*": BINARY},
    }
}
_HEADERS = {
    "Sonotype-Model": "`name@version`",
    "Sonotype-Labels": "the winning class of each segment with its probability, `cello:0.912346, tenor%20sax:0.4`",
    "Sonotype-Seed": "the seed that makes the same audio again",
    "Sonotype-Sample-Rate": "in Hz",
    "Sonotype-Duration": "seconds of all segments together",
}
_AUDIO = {
    "description": "The audio while it is generated. Where generation fails under way, the connection breaks off.",
    "content": dict.fromkeys(AUDIO_TYPES, BINARY),
    "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()},
}
_RESPONSES = {200: _AUDIO, **problems(*(code for code in Code if code not in CANNOT_HAPPEN), Code.NOT_FOUND)}


@router.post(
    "/v1/sonify", response_model=None, responses=_RESPONSES, openapi_extra=_BODY, summary="Sound from an embedding"
)
async def sonify(
    request: Request, client: Client, params: Annotated[SonifyUploadParams, Query()], wait_s: Timeout = None
) -> Response:
    """Generate audio and send it as it comes.

    An upload gives what the model kept of it: its embedding, decoded. With `to_label` (in JSON `path`) one segment
    follows another on the way to where that class wins.
    """
    with ExitStack() as held:
        query, upload = await _read(request, params, held)
        sooner = min((t for t in (query.timeout_s, wait_s) if t is not None), default=None)
        running = plane_of(request).sonify(replace(query, client=client, timeout_s=sooner), upload)

        def headers_of(sonified: Sonified) -> Mapping[str, str]:
            return {"cache-control": "no-store", **_facts(sonified), "sonotype-seed": str(query.seed)}

        stall_s = settings_of(request).upload_idle_timeout_s
        return StreamedAudio(request, running, headers_of, stall_s, held.pop_all())


async def _read(request: Request, params: SonifyUploadParams, held: ExitStack) -> tuple[SonifyQuery, Upload | None]:
    """The request, and its upload, whose bytes are counted as long as `held` is not closed."""
    if is_json(request):
        if request.query_params:
            raise SonotypeError(Code.INVALID_REQUEST, "The options of a JSON request belong in its body.")
        return parse_options(SonifyBody, await read_json(request, settings_of(request))).query(), None
    budget = held.enter_context(plane_of(request).reserve_bytes())
    upload, _ = await read_upload(request, settings_of(request), budget)
    return params.query(), upload


def _facts(sonified: Sonified) -> dict[str, str]:
    segments = zip(sonified.labels, sonified.scores, strict=True)
    return {
        "sonotype-model": sonified.model,
        "sonotype-labels": ", ".join(f"{quote(label, safe='')}:{score:.6f}" for label, score in segments),
        "sonotype-sample-rate": str(sonified.sample_rate_hz),
        "sonotype-duration": f"{sonified.n_samples / sonified.sample_rate_hz:.6g}",
    }
