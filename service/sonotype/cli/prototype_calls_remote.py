"""Calls that are answered by a running service over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

import httpx

from sonotype.api.prototypes import prototype_url
from sonotype.api.sonify import AudioParams, SonifyBody
from sonotype.cli.document import Document
from sonotype.cli.prototype_calls import Sound
from sonotype.cli.rest import Rest, open_rest
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Upload


class RemoteCalls:
    """Implements `Calls`."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def prototypes(self, model: str | None, label: str | None) -> Document:
        """List prototypes."""
        asked = {name: value for name, value in (("model", model), ("label", label)) if value}
        return await self._rest.document("GET", "/v1/prototypes", params=asked)

    async def prototype(self, prototype_id: str) -> Document:
        """Describe one prototype."""
        return await self._rest.document("GET", prototype_url(prototype_id))

    @asynccontextmanager
    async def audio(self, prototype_id: str, params: AudioParams) -> AsyncIterator[Sound]:
        """Fetch a rendering."""
        asked = params.model_dump(exclude_defaults=True)
        async with self._rest.stream("GET", f"{prototype_url(prototype_id)}/audio", params=asked) as answer:
            said = answer.headers
            rendering, duration_s = said["sonotype-rendering"], float(said["sonotype-duration"])
            facts = {"id": prototype_id, "rendering": rendering, "duration_s": duration_s}
            yield Sound(facts, _length(answer), _bytes(answer))

    @asynccontextmanager
    async def sonify(self, body: SonifyBody, upload: Upload | None) -> AsyncIterator[Sound]:
        """Have audio generated."""
        async with self._rest.stream("POST", "/v1/sonify", **_request(body, upload)) as answer:
            yield Sound(_facts(answer.headers), _length(answer), _bytes(answer))


@asynccontextmanager
async def open_remote_calls(server: str, api_key: str | None) -> AsyncIterator[RemoteCalls]:
    """Calls to a service, for as long as the context is open."""
    async with open_rest(server, api_key) as rest:
        yield RemoteCalls(rest)


def _request(body: SonifyBody, upload: Upload | None) -> dict[str, Any]:
    """The options as JSON, or, beside an upload, in the query string."""
    asked = body.model_dump(exclude_defaults=True, exclude_none=True)
    if upload is None:
        return {"json": asked}
    path = asked.pop("path", {})
    return {"params": asked | path, "content": upload.data, "headers": {"Content-Type": "application/octet-stream"}}


def _facts(headers: httpx.Headers) -> Document:
    pairs = [pair.rpartition(":") for pair in headers["sonotype-labels"].split(", ")]
    return {
        "model": headers["sonotype-model"],
        "seed": int(headers["sonotype-seed"]),
        "sample_rate_hz": int(headers["sonotype-sample-rate"]),
        "duration_s": float(headers["sonotype-duration"]),
        "segments": [{"label": unquote(label), "score": float(score)} for label, _, score in pairs],
    }


async def _bytes(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_bytes():
            yield chunk
    except httpx.HTTPError:
        raise SonotypeError(Code.UNAVAILABLE, "The sound broke off before its end.") from None


def _length(answer: httpx.Response) -> int | None:
    length = answer.headers.get("content-length")
    return int(length) if length else None
