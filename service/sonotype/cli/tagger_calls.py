"""What `sonotype taggers` asks for, in this process or of a running service; the documents are those of REST."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from urllib.parse import quote

from sonotype.api.options import parse_options
from sonotype.api.tagger_params import FeedbackBody, TagBody, TaggerBody
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
from sonotype.cli.asking import open_calls
from sonotype.cli.document import Document
from sonotype.cli.rest import Rest
from sonotype.cli.wiring import Wiring
from sonotype.core.types import Upload
from sonotype.plane.catalog.tagger_values import TaggerPlane
from sonotype.telemetry.requests import request_id

_CSV = {"accept": "text/csv"}


class TaggerCalls(Protocol):
    """Every call raises `SonotypeError`."""

    async def create(self, body: Document, csv: bytes | None) -> Document:
        """Fit a tagger."""

    async def all(self) -> Document:
        """Every tagger."""

    async def get(self, name: str) -> Document:
        """One tagger."""

    async def delete(self, name: str) -> None:
        """Delete a tagger."""

    async def tag(self, name: str, body: Document, upload: Upload | None) -> Document:
        """Tag tracks, or an upload."""

    async def feedback(self, name: str, body: Document) -> Document:
        """Correct a tagger."""

    async def undo(self, name: str) -> Document:
        """Take the last correction back."""

    async def rollback(self, name: str, version: int) -> Document:
        """Go back to a version."""

    async def versions(self, name: str, limit: int) -> Document:
        """The newest changes."""

    async def report(self, name: str, limit: int, as_csv: bool) -> Document | str:
        """How good a tagger is; the doubts as a table where that is asked for."""


class LocalTaggers:
    """Implements `TaggerCalls` on a plane in this process."""

    def __init__(self, taggers: TaggerPlane) -> None:
        self._taggers = taggers

    async def create(self, body: Document, csv: bytes | None) -> Document:
        """Fit a tagger."""
        return tagger_body(await self._taggers.create(parse_options(TaggerBody, body).new(csv)))

    async def all(self) -> Document:
        """Every tagger."""
        return taggers_body(*await self._taggers.all())

    async def get(self, name: str) -> Document:
        """One tagger."""
        return tagger_body(await self._taggers.get(name))

    async def delete(self, name: str) -> None:
        """Delete a tagger."""
        await self._taggers.delete(name)

    async def tag(self, name: str, body: Document, upload: Upload | None) -> Document:
        """Tag tracks, or an upload."""
        asked = parse_options(TagBody, body)
        found = await self._taggers.tag(asked.query(name, None), upload)
        return tagged_body(request_id(None), found, asked.top_k, asked.threshold)

    async def feedback(self, name: str, body: Document) -> Document:
        """Correct a tagger."""
        said = parse_options(FeedbackBody, body).said(None)
        return await self._changed(name, await self._taggers.feedback(name, said))

    async def undo(self, name: str) -> Document:
        """Take the last correction back."""
        return await self._changed(name, await self._taggers.undo(name))

    async def rollback(self, name: str, version: int) -> Document:
        """Go back to a version."""
        return await self._changed(name, await self._taggers.rollback(name, version))

    async def versions(self, name: str, limit: int) -> Document:
        """The newest changes."""
        return versions_body(await self._taggers.versions(name, limit))

    async def report(self, name: str, limit: int, as_csv: bool) -> Document | str:
        """How good a tagger is."""
        found = await self._taggers.report(name, limit)
        return doubts_csv(found) if as_csv else report_body(found)

    async def _changed(self, name: str, outcome: Outcome) -> Document:
        return outcome_body((await self._taggers.get(name)).about.labels, outcome)


class RemoteTaggers:
    """Implements `TaggerCalls` over REST."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def create(self, body: Document, csv: bytes | None) -> Document:
        """Fit a tagger."""
        if csv is None:
            return await self._rest.document("POST", "/v1/taggers", json=body)
        form = {"file": ("labels.csv", csv), "tagger": (None, json.dumps(body))}
        return await self._rest.document("POST", "/v1/taggers", files=form)

    async def all(self) -> Document:
        """Every tagger."""
        return await self._rest.document("GET", "/v1/taggers")

    async def get(self, name: str) -> Document:
        """One tagger."""
        return await self._rest.document("GET", _url(name))

    async def delete(self, name: str) -> None:
        """Delete a tagger."""
        await self._rest.ask("DELETE", _url(name))

    async def tag(self, name: str, body: Document, upload: Upload | None) -> Document:
        """Tag tracks, or an upload."""
        if upload is None:
            return await self._rest.document("POST", f"{_url(name)}/tag", json=body)
        form = {"file": ("audio", upload.data), "query": (None, json.dumps(body))}
        return await self._rest.document("POST", f"{_url(name)}/tag", files=form)

    async def feedback(self, name: str, body: Document) -> Document:
        """Correct a tagger."""
        return await self._rest.document("POST", f"{_url(name)}/feedback", json=body)

    async def undo(self, name: str) -> Document:
        """Take the last correction back."""
        return await self._rest.document("POST", f"{_url(name)}/undo")

    async def rollback(self, name: str, version: int) -> Document:
        """Go back to a version."""
        return await self._rest.document("POST", f"{_url(name)}/rollback", json={"version": version})

    async def versions(self, name: str, limit: int) -> Document:
        """The newest changes."""
        return await self._rest.document("GET", f"{_url(name)}/versions", params={"limit": limit})

    async def report(self, name: str, limit: int, as_csv: bool) -> Document | str:
        """How good a tagger is."""
        asked = {"params": {"limit": limit}}
        if as_csv:
            return (await self._rest.ask("GET", f"{_url(name)}/report", headers=_CSV, **asked)).text
        return await self._rest.document("GET", f"{_url(name)}/report", **asked)


def open_tagger_calls(
    wired: Wiring, server: str | None, api_key: str | None, *, listens: bool = False
) -> AbstractAsyncContextManager[TaggerCalls]:
    """Calls of a running service, or of the catalogue in this process: with models only where audio is heard."""
    return open_calls(
        wired, server, api_key, remote=RemoteTaggers, local=lambda held: LocalTaggers(held.taggers), listens=listens
    )


def _url(name: str) -> str:
    return f"/v1/taggers/{quote(name, safe='')}"
