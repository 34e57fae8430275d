"""The part of the OpenSubsonic API that finds similar tracks, for players that speak it: `/rest/…`.

Its errors come with status 200 inside the envelope, as its clients expect; unknown parameters are ignored, for every
player sends some of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from sonotype.api.http.context import plane_of, settings_of
from sonotype.api.http.intake import read_form
from sonotype.api.identity import api_key
from sonotype.api.subsonic import (
    EXTENSIONS,
    Envelope,
    SubsonicError,
    ambiguous_login,
    as_xml,
    child,
    envelope,
    missing,
    of_ours,
    sonic_match,
    unsupported_login,
)
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog.values import PathQuery, Seed, SimilarQuery
from sonotype.plane.port import Plane

router = APIRouter()

Fields = Mapping[str, str]
Method = Callable[[Plane, Fields, str | None], Awaitable[Envelope]]
_SIMILAR, _PATH = 10, 25


@router.api_route("/rest/{method}", methods=["GET", "POST"], include_in_schema=False)
async def call(request: Request, method: str) -> Response:
    """One call of that API; parameters may come in the query string or as a form."""
    fields = dict(parse_qsl(request.url.query))
    try:
        fields = await read_form(request, settings_of(request)) | fields
        return _render(await _answer(request, method.removesuffix(".view"), fields), fields)
    except SonotypeError as error:
        return _render(envelope(error=of_ours(error)), fields)
    except SubsonicError as error:
        return _render(envelope(error=error), fields)


async def _answer(request: Request, name: str, fields: Fields) -> Envelope:
    found = METHODS.get(name)
    if found is None:
        raise SonotypeError(Code.NOT_FOUND, "This server has no such method.")
    # one of them must answer whoever asks
    client = _authenticate(request, fields) if name != "getOpenSubsonicExtensions" else None
    return envelope(await found(plane_of(request), fields, client))


def _authenticate(request: Request, fields: Fields) -> str | None:
    key = _key(request, fields)
    try:
        return plane_of(request).authenticate(key)
    except SonotypeError:
        if key is None and "t" in fields:
            raise unsupported_login() from None
        raise


def _key(request: Request, fields: Fields) -> str | None:
    """The API key: as `apiKey`, as the password in clear or hex, or in our own headers."""
    if "apiKey" in fields:
        if "u" in fields:
            raise ambiguous_login()
        return fields["apiKey"]
    password = fields.get("p")
    if password is None:
        return api_key(request.headers)
    return _decoded(password.removeprefix("enc:")) if password.startswith("enc:") else password


def _decoded(password: str) -> str:
    try:
        return bytes.fromhex(password).decode()
    except ValueError:
        return ""


async def _ping(plane: Plane, fields: Fields, client: str | None) -> Envelope:
    return {}


async def _license(plane: Plane, fields: Fields, client: str | None) -> Envelope:
    return {"license": {"valid": True}}


async def _extensions(plane: Plane, fields: Fields, client: str | None) -> Envelope:
    return {"openSubsonicExtensions": [{"name": name, "versions": [1]} for name in EXTENSIONS]}


async def _token_info(plane: Plane, fields: Fields, client: str | None) -> Envelope:
    return {"tokenInfo": {"username": client or "anybody"}}


async def _song(plane: Plane, fields: Fields, client: str | None) -> Envelope:
    return {"song": child(await plane.catalog.track(_needed(fields, "id")))}


async def _similar(plane: Plane, fields: Fields, client: str | None) -> Envelope:
    query = SimilarQuery((Seed(track=_needed(fields, "id")),), k=_count(fields, _SIMILAR), client=client)
    found = await plane.catalog.similar(query)
    return {"sonicMatch": [sonic_match(match, match.similarity) for match in found.matches]}


async def _path(plane: Plane, fields: Fields, client: str | None) -> Envelope:
    query = PathQuery(_needed(fields, "startSongId"), _needed(fields, "endSongId"), count=_count(fields, _PATH))
    found = await plane.catalog.path(query)
    return {"sonicMatch": [sonic_match(match, match.score) for match in found.matches]}  # to the first, not the last


METHODS: dict[str, Method] = {
    "ping": _ping,
    "getLicense": _license,
    "getOpenSubsonicExtensions": _extensions,
    "tokenInfo": _token_info,
    "getSong": _song,
    "getSonicSimilarTracks": _similar,
    "findSonicPath": _path,
}


def _needed(fields: Fields, name: str) -> str:
    if not fields.get(name):
        raise missing(name)
    return fields[name]


def _count(fields: Fields, default: int) -> int:
    text = fields.get("count", str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise SonotypeError(Code.INVALID_REQUEST, "count: a whole number is needed.")
    return int(text)


def _render(root: Envelope, fields: Fields) -> Response:
    headers = {"cache-control": "no-store"}
    if fields.get("f") == "json":
        return Response(orjson.dumps({"subsonic-response": root}), 200, headers, "application/json")
    return Response(as_xml(root), 200, headers, "application/xml")
