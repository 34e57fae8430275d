"""What a job needs of the catalogue. `plane.catalog.port.CatalogPlane` does all of it; a remote service a part."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from sonotype.catalog.port import Stored
from sonotype.catalog.track import Track
from sonotype.core.types import Upload
from sonotype.plane.catalog.values import Submission


class IngestTarget(Protocol):
    """Where an ingest job puts its files."""

    async def put_track(self, submission: Submission, upload: Upload | None = None) -> Stored:
        """Store for good. Raises any code of the table; the retryable ones are tried again."""

    async def unchanged(self, submission: Submission, content_sha256: str) -> str | None:
        """Id of the track that is this file already: content, vector and metadata; None where it must be put."""


class ReembedTarget(Protocol):
    """What a job that fills a generation needs."""

    def stale(self, generation: str | None) -> AsyncIterator[Track]:
        """Tracks without a vector in a generation; None means that of the configured model."""

    async def embed_again(self, track_id: str, generation: str | None, upload: Upload) -> bool:
        """Add the vector of a generation to a track; False if the track is gone or its content is another now."""


class JobTarget(IngestTarget, ReembedTarget, Protocol):
    """Both."""
