"""A finished piece of audio as an answer: validators, ranges, HEAD."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from sonotype.api.http.context import request_id_of
from sonotype.api.http.problem import problem
from sonotype.api.http.ranges import is_known, may_be_partial, wanted_range
from sonotype.api.prototypes import say_rendering
from sonotype.core.errors import SonotypeError
from sonotype.plane.sonification import AudioFile

# private: where API keys are in use a shared cache must not hand it on. After an hour the etag is asked for again,
# so that a model that was trained anew is heard
CACHE_CONTROL = "private, max-age=3600"


def audio_response(request: Request, file: AudioFile) -> Response:
    """Answer 200, 206, 304 or 416 as the request's headers ask; HEAD gets the same headers and no body."""
    headers = _headers(file)
    if is_known(request.headers.get("if-none-match"), headers["etag"]):
        return Response(None, 304, headers)
    # ranges are defined for GET alone (RFC 9110, section 14.2)
    if request.method == "HEAD":
        return Response(None, 200, headers | {"content-length": str(len(file.data))}, file.media_type)
    asked = request.headers.get("range") if may_be_partial(request.headers.get("if-range"), headers["etag"]) else None
    try:
        part = wanted_range(asked, len(file.data))
    except SonotypeError as error:
        return problem(error, request_id_of(request), {"content-range": f"bytes */{len(file.data)}"})
    if part is None:
        return Response(file.data, 200, headers, file.media_type)
    start, end = part
    headers["content-range"] = f"bytes {start}-{end - 1}/{len(file.data)}"
    return Response(file.data[start:end], 206, headers, file.media_type)


def _headers(file: AudioFile) -> dict[str, str]:
    return {
        "etag": f'"{file.etag.strip(chr(34))}"',
        "accept-ranges": "bytes",
        "cache-control": CACHE_CONTROL,
        "sonotype-rendering": say_rendering(file.rendering),
        "sonotype-duration": f"{file.duration_s:.6g}",
    }
