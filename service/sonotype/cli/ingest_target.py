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
from sonotype.core.settings import Settings
from sonotype.core.types import Upload
from sonotype.plane.catalog.ingest.target import IngestTarget
from sonotype.plane.catalog.values import Submission


class RemoteTarget:
    """Implements `IngestTarget` over REST: each file is uploaded with its metadata."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def put_track(self, submission: Submission, upload: Upload | None = None) -> Stored:
        """Upload one file. Raises as `Rest`."""
        assert upload is not None, "only files are ingested. This is a bug."  # noqa: S101
        path = "/v1/tracks" if submission.id is None else f"/v1/tracks/{quote(submission.id, safe='')}"
        metadata = orjson.dumps({name: value for name, value in asdict(submission.metadata).items() if value})
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
        """A service knows only when it is asked to store; its cache then saves the computing."""
        return None


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


def _track(body: Document, submission: Submission, upload: Upload) -> Track:
    """As much of the stored track as a job asks for."""
    now = datetime.now(UTC)
    return Track(str(body["id"]), submission.metadata, upload.sha256, (), (), (), None, now, now)
