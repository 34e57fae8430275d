"""Where `sonotype ingest` puts its files: a catalogue in this process, or that of a running service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
import orjson

from sonotype.catalog.port import Stored
from sonotype.catalog.track import Track
from sonotype.cli.document import Document
from sonotype.cli.local import open_plane
from sonotype.cli.rest import Rest, open_rest
from sonotype.cli.wiring import Wiring
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import Upload
from sonotype.plane.catalog.ingest.target import IngestTarget
from sonotype.plane.catalog.values import Submission


class RemoteTarget:
    """Implements `IngestTarget` over REST: each file is uploaded with its metadata."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._cannot_say = False

    async def put_track(self, submission: Submission, upload: Upload | None = None) -> Stored:
        """Upload one file. Raises as `Rest`."""
        assert upload is not None, "only files are ingested. This is a bug."  # noqa: S101
        path = "/v1/tracks" if submission.id is None else f"/v1/tracks/{quote(submission.id, safe='')}"
        metadata = orjson.dumps(_said(submission))
        answer = await self._rest.ask(
            "POST" if submission.id is None else "PUT",
            path,
            params={"lane": submission.lane.value},
            files={
                "metadata": (None, metadata, "application/json"),
                "file": ("audio", upload.data, "application/octet-stream"),
            },
        )
        return Stored(_track(answer.json(), submission, upload), created=answer.status_code == httpx.codes.CREATED)

    async def unchanged(self, submission: Submission, content_sha256: str) -> str | None:
        """Ask before the upload, unless the service is too old to know. Raises as `Rest`."""
        if self._cannot_say:
            return None
        asked = {"metadata": _said(submission), "content_sha256": content_sha256}
        asked |= {} if submission.id is None else {"id": submission.id}
        try:
            found = await self._rest.document("POST", "/v1/tracks/unchanged", json=asked)
        except SonotypeError as error:
            if error.code not in (Code.NOT_FOUND, Code.METHOD_NOT_ALLOWED):
                raise
            self._cannot_say = True
            return None
        return None if found["id"] is None else str(found["id"])


@asynccontextmanager
async def open_target(
    wired: Wiring, settings: Settings, server: str | None, api_key: str | None
) -> AsyncIterator[IngestTarget]:
    """Where the files go, for as long as the context is open.

    Raises:
        SonotypeError: `conflict` where another process holds the catalogue; what opening the service raises.
    """
    if server is not None:
        async with open_rest(server, api_key) as rest:
            yield RemoteTarget(rest)
    else:
        async with open_plane(wired, settings, with_catalog=True) as plane:
            yield plane.catalog


def _said(submission: Submission) -> Document:
    return {name: value for name, value in asdict(submission.metadata).items() if value}


def _track(body: Document, submission: Submission, upload: Upload) -> Track:
    """As much of the stored track as a job asks for."""
    now = datetime.now(UTC)
    return Track(str(body["id"]), submission.metadata, upload.sha256, (), (), (), None, now, now)
