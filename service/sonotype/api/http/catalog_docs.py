"""What the routes of the catalogue have in common in OpenAPI."""

from __future__ import annotations

from typing import Any

from sonotype.api.http.schemas import problems
from sonotype.api.http.schemas_catalog import TrackBody
from sonotype.core.errors import Code

BINARY = {"schema": {"type": "string", "format": "binary"}}
USUAL = (Code.INVALID_REQUEST, Code.UNAUTHENTICATED, Code.UNAVAILABLE, Code.INTERNAL)
ASKING = (*USUAL, Code.NOT_FOUND, Code.DEADLINE_EXCEEDED)
_ELSEWHERE = {
    Code.METHOD_NOT_ALLOWED,
    Code.RANGE_NOT_SATISFIABLE,
    Code.SOURCE_UNREACHABLE,
    Code.CANCELLED,
    Code.FORBIDDEN,
}
_STORE_ONLY = {Code.CONFLICT, Code.IDEMPOTENCY_MISMATCH, Code.INSUFFICIENT_STORAGE}
STORING = tuple(code for code in Code if code not in _ELSEWHERE)
LISTENING = tuple(code for code in STORING if code not in _STORE_ONLY)


def json_of(schema: str, examples: dict[str, Any]) -> dict[str, Any]:
    """A body of JSON."""
    return {"schema": {"$ref": f"#/components/schemas/{schema}"}, "examples": examples}


def form_of(field: str, schema: str) -> dict[str, Any]:
    """A form with a file and a part of JSON."""
    return {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {
                "file": {"type": "string", "format": "binary", "description": "the audio file"},
                field: {"$ref": f"#/components/schemas/{schema}"},
            },
            "additionalProperties": False,
        },
        "encoding": {field: {"contentType": "application/json"}},
    }


_EXAMPLE = {
    "metadata": {"external_id": "jazz/01.flac", "title": "So What", "artist": "Miles Davis", "tags": ["jazz"]},
    "embedding": [0.12, -0.4],
    "embedding_of": "musicnn-msd@penultimate",
}
_TRACK: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The audio as a form with a part `metadata` beside it, the audio as it is with metadata in the "
        "query string, or JSON with an embedding already computed.",
        "content": {
            "multipart/form-data": form_of("metadata", "MetadataBody"),
            "audio/*": BINARY,
            "application/json": json_of("TrackSubmission", {"embedding": {"value": _EXAMPLE}}),
        },
    }
}
_LOCATION = {"Location": {"description": "path of the track", "schema": {"type": "string"}}}
_REPLAYED = {"Idempotency-Replayed": {"description": "`true` where nothing was done", "schema": {"type": "string"}}}
STORED: dict[str, Any] = {
    "response_model": None,
    "responses": {
        200: {"model": TrackBody, "headers": _REPLAYED, "description": "an existing track was replaced"},
        201: {"model": TrackBody, "headers": _LOCATION | _REPLAYED, "description": "the track is new"},
        **problems(*STORING),
    },
    "openapi_extra": _TRACK,
}
