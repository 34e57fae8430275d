"""The REST face as an ASGI app."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from sonotype import __version__
from sonotype.api.catalog_params import PlaylistBody, SimilarBody
from sonotype.api.control_params import LoadBody
from sonotype.api.http import problem
from sonotype.api.http.edge import Edge
from sonotype.api.http.oip_body import InferBody
from sonotype.api.http.routes import (
    catalog,
    control,
    health,
    jobs,
    listen,
    models,
    oip,
    playlists,
    prototypes,
    similar,
    sonify,
    subsonic,
    taggers,
    tracks,
    uploads,
)
from sonotype.api.http.schemas import Problem
from sonotype.api.job_params import JobBody
from sonotype.api.sonify import SonifyBody
from sonotype.api.tagger_params import FeedbackBody, RollbackBody, TagBody, TaggerBody, UndoBody
from sonotype.api.track_params import TrackCheck, TrackSubmission
from sonotype.api.web.routes import router as web
from sonotype.core.settings import Settings
from sonotype.plane.port import Plane

DESCRIPTION = """\
A service that listens to music and answers with labels, embeddings and reasons that can be heard.

Errors are [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problems with a stable `code`. Every answer carries
`X-Request-Id` (a valid one of yours is taken over) and, for audio, `Server-Timing`. Unknown parameters are refused.
"""

_TAGGERS = (TaggerBody, TagBody, FeedbackBody, UndoBody, RollbackBody)


def create_app(plane: Plane, settings: Settings) -> FastAPI:
    """Build the app around a plane; it starts and owns nothing by itself."""
    app = FastAPI(
        title="Sonotype",
        version=__version__,
        summary="Music audio in; tags, embeddings and reasons out.",
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.plane = plane
    app.state.settings = settings
    problem.install(app)
    app.add_middleware(Edge)
    catalogue = (tracks, similar, playlists, jobs, catalog, taggers, subsonic)
    for part in (uploads, *catalogue, sonify, prototypes, models, control, oip, health, listen):
        app.include_router(part.router)
    app.include_router(web)
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    """Complete what FastAPI generates, once, when it is first asked for."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(generate())
        return generate()

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> None:
    """Our problem instead of the framework's error bodies, and the two ways to send a key."""
    schemas = document["components"]["schemas"]
    for body in (
        Problem,
        SonifyBody,
        TrackCheck,
        TrackSubmission,
        SimilarBody,
        PlaylistBody,
        JobBody,
        LoadBody,
        InferBody,
        *_TAGGERS,
    ):
        schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[body.__name__] = schema
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path in document["paths"].values():
        for operation in path.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    document["security"] = [{}, {"bearer": []}, {"header": []}]
