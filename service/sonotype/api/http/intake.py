"""Reading the body of a request: raw audio, a multipart form or JSON, never more than the limits allow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import from_json
from starlette.requests import Request

from sonotype.api.collect import Collector, Pace, too_large
from sonotype.api.http.multipart import OVERHEAD_BYTES, FilePart
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import Upload
from sonotype.plane.port import ByteBudget

# the longest embedding and everything else that a request may hold, generously spelt
MAX_JSON_BYTES = 256 * 1024
MAX_FORM_BYTES = 16 * 1024
_RAW = ("audio/", "video/")
_RAW_EXACT = frozenset({"", "application/octet-stream", "application/ogg", "binary/octet-stream"})


class SmallBytes:
    """Gathers the bytes of a small body, or of a small part of one.

    Args:
        limit_bytes: more are refused.
        what: it is, for the error.
    """

    def __init__(self, limit_bytes: int, what: str) -> None:
        self._limit_bytes = limit_bytes
        self._what = what
        self._bytes = bytearray()

    def take(self, chunk: bytes) -> None:
        """Keep a chunk. Raises `upload_too_large`."""
        self._bytes.extend(chunk)
        if len(self._bytes) > self._limit_bytes:
            raise too_large(self._limit_bytes, self._what)

    def __bytes__(self) -> bytes:
        return bytes(self._bytes)

    def __bool__(self) -> bool:
        return bool(self._bytes)


class JsonBytes(SmallBytes):
    """Gathers the bytes of a body or a part of JSON."""

    def __init__(self) -> None:
        super().__init__(MAX_JSON_BYTES, "JSON")

    def value(self, what: str) -> Any:
        """What it says. Raises `invalid_request` for what is not JSON, NaN and Infinity included."""
        try:
            return from_json(bytes(self), allow_inf_nan=False)
        except ValueError as error:
            detail = f"The {what} is not JSON, which has neither NaN nor Infinity: {error}."
            raise SonotypeError(Code.INVALID_REQUEST, detail) from None


@dataclass(frozen=True, slots=True)
class Received:
    """The body of a request that carries a file.

    Attributes:
        upload: the file.
        seconds: spent on its phases.
        json: what the part of JSON says; None where there was none.
    """

    upload: Upload
    seconds: dict[str, float]
    json: Any = None


async def read_upload(request: Request, settings: Settings, budget: ByteBudget) -> tuple[Upload, dict[str, float]]:
    """Read one upload to its end; see `receive`.

    Returns:
        The upload and the seconds spent on its phases.
    """
    received = await receive(request, settings, budget)
    return received.upload, received.seconds


async def receive(request: Request, settings: Settings, budget: ByteBudget, json_field: str | None = None) -> Received:
    """Read one upload to its end, and the part of JSON that a form may have beside it.

    Raises:
        SonotypeError: `upload_too_large` as soon as the limit is passed, `upload_timeout` where the client stalls,
            `overloaded` where all uploads together hold too many bytes, `invalid_request`, `unsupported_format` or
            `cancelled`.
    """
    collector, json = Collector(settings.max_upload_bytes, budget), JsonBytes()
    form = _form(request.headers.get("content-type", ""), collector, json_field, json)
    overhead = (OVERHEAD_BYTES + (MAX_JSON_BYTES if json_field else 0)) if form else 0
    _refuse_early(request, collector, overhead)
    await _read_body(request, Pace(settings.upload_idle_timeout_s), form.feed if form else collector.add)
    if form:
        form.finish()
    upload, seconds = collector.finish()
    return Received(upload, seconds, json.value(f"part `{json_field}`") if json else None)


async def read_whole(request: Request, settings: Settings, budget: ByteBudget) -> tuple[bytes, dict[str, float]]:
    """Read a body that holds audio among other things, under the limits of an upload. Raises as `receive`.

    Returns:
        The body and the seconds spent on its phases.
    """
    collector = Collector(settings.max_upload_bytes, budget)
    _refuse_early(request, collector, 0)
    await _read_body(request, Pace(settings.upload_idle_timeout_s), collector.add)
    upload, seconds = collector.finish()
    return upload.data, seconds


def is_json(request: Request) -> bool:
    """Whether the body says that it is JSON."""
    return _media_type(request.headers.get("content-type", "")) == "application/json"


async def read_json(request: Request, settings: Settings) -> Any:
    """Read a body of JSON, whatever it holds.

    Raises:
        SonotypeError: `invalid_request` for what is not JSON, NaN and Infinity included; `upload_too_large`,
            `upload_timeout`, `unsupported_format` or `cancelled`.
    """
    body = JsonBytes()
    _refuse_encoding(request)
    await _read_body(request, Pace(settings.upload_idle_timeout_s), body.take)
    return body.value("body")


async def read_form(request: Request, settings: Settings) -> dict[str, str]:
    """The fields of a URL-encoded form; empty where the body is anything else or nothing. Raises as `read_json`."""
    if _media_type(request.headers.get("content-type", "")) != "application/x-www-form-urlencoded":
        return {}
    body = SmallBytes(MAX_FORM_BYTES, "form")
    await _read_body(request, Pace(settings.upload_idle_timeout_s), body.take)
    return dict(parse_qsl(bytes(body).decode("utf-8", "replace")))


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _form(content_type: str, collector: Collector, json_field: str | None, json: JsonBytes) -> FilePart | None:
    """A parser where the body is a form; nothing where it is the file itself."""
    media_type = _media_type(content_type)
    if media_type == "multipart/form-data":
        return FilePart(content_type, collector.add, json_field, json.take)
    if media_type in _RAW_EXACT or media_type.startswith(_RAW):
        return None
    detail = "Send a multipart form with the field `file`, or the file itself as audio/*, video/* or octet-stream."
    raise SonotypeError(Code.UNSUPPORTED_FORMAT, detail)


def _refuse_early(request: Request, collector: Collector, overhead: int) -> None:
    """Judge by the headers what can be judged by them, before a byte is read."""
    _refuse_encoding(request)
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdecimal():
        collector.expect(int(length) - overhead)


def _refuse_encoding(request: Request) -> None:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise SonotypeError(Code.UNSUPPORTED_FORMAT, "Content-Encoding is not supported; send the body as it is.")


async def _read_body(request: Request, pace: Pace, take: Callable[[bytes], None]) -> None:
    more = True
    while more:
        message = await pace.wait(request.receive)
        if message["type"] == "http.disconnect":
            raise SonotypeError(Code.CANCELLED, "The client left during the upload.")
        chunk = message.get("body", b"")
        pace.progress(len(chunk))
        if chunk:
            take(chunk)
        more = message.get("more_body", False)
