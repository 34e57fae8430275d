"""Serving the page. Its files are few and fixed, so they are read once and looked up by name, never by path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import Response

from sonotype.core.errors import Code, SonotypeError

router = APIRouter(include_in_schema=False)

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    # revalidated each time: a new release shows at once, and an unchanged file costs one small answer
    "cache-control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page."""

    content: bytes
    media_type: str
    etag: str


@cache
def assets() -> dict[str, Asset]:
    """Every file of the page by its name."""
    found = {}
    for file in files(__package__).joinpath("static").iterdir():
        suffix = "." + file.name.rpartition(".")[2]
        if suffix in TYPES:
            content = file.read_bytes()
            found[file.name] = Asset(content, TYPES[suffix], f'"{hashlib.sha256(content).hexdigest()[:16]}"')
    return found


@router.get("/")
async def index(request: Request) -> Response:
    """The page."""
    return _serve(request, "index.html")


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The reference of the REST API, made from `/openapi.json`."""
    return _serve(request, "docs.html")


@router.get("/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    """A file that the pages refer to."""
    return _serve(request, name)


def _serve(request: Request, name: str) -> Response:
    found = assets().get(name)
    if found is None:
        raise SonotypeError(Code.NOT_FOUND, "Not Found.")
    headers = {**HEADERS, "etag": found.etag}
    if request.headers.get("if-none-match") == found.etag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, headers=headers, media_type=found.media_type)
