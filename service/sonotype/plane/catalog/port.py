"""The catalogue as the faces see it: `Plane.catalog`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, Protocol

from sonotype.catalog.jobs.job import FileState, Job, JobFile, JobRequest
from sonotype.catalog.port import CatalogStatus, Generation, Page, Stored, TrackFilter
from sonotype.catalog.ranking.values import Why
from sonotype.catalog.track import Track
from sonotype.core.types import Upload
from sonotype.plane.catalog.tagger_values import TaggerPlane
from sonotype.plane.catalog.values import Matches, PathQuery, PlaylistQuery, SimilarQuery, Submission

CatalogState = Literal["ok", "degraded", "opening", "away", "none"]
"""As probes are told: slower while an index is rebuilt, not open yet, not to be had for now, not wanted."""


class CatalogPlane(Protocol):
    """Everything a face may do with the catalogue. All methods raise `SonotypeError`."""

    @property
    def taggers(self) -> TaggerPlane:
        """The use cases of taggers. Reading it raises `unavailable` where their files cannot be opened."""

    async def put_track(self, submission: Submission, upload: Upload | None = None) -> Stored:
        """Analyse what was sent and store it for good. Raises any code of the table."""

    async def unchanged(self, submission: Submission, content_sha256: str) -> str | None:
        """Id of the track that `put_track` would replace, where nothing needs computing; its metadata is updated.

        That is: the track of the submission's id or external id has this content (hex) and a vector of the
        configured model. None means that the file has to be put.
        """

    def stale(self, generation: str | None) -> AsyncIterator[Track]:
        """Tracks without a vector in a generation; None means that of the configured model, which is then begun."""

    async def embed_again(self, track_id: str, generation: str | None, upload: Upload) -> bool:
        """Add the vector of a generation to a track, in the bulk lane; False if it is gone or its content is another.

        Raises:
            SonotypeError: any code of the table.
        """

    async def track(self, track_id: str) -> Track:
        """One track. Raises `not_found`."""

    async def delete_track(self, track_id: str) -> None:
        """Delete for good. Raises `not_found`."""

    async def tracks(self, where: TrackFilter, cursor: str | None, limit: int) -> Page:
        """Tracks in the order of creation."""

    async def similar(self, query: SimilarQuery, upload: Upload | None = None) -> Matches:
        """Tracks similar to the seeds. Raises `not_found` for an unknown seed, `invalid_request`."""

    async def why(self, track_a: str, track_b: str) -> Why:
        """Why two tracks are alike. Raises `not_found`."""

    async def path(self, query: PathQuery) -> Matches:
        """A way from one track to another: `similarity` is that to the track before, `score` that to the first."""

    async def playlist(self, query: PlaylistQuery) -> Matches:
        """An ordered list of tracks."""

    async def status(self) -> CatalogStatus:
        """Facts of the whole catalogue; `stale` counts tracks without a vector by the configured model."""

    async def promote(self, generation: str) -> Generation:
        """Let searches use a generation. Raises `not_found`, `conflict` where its recall is below 0.95."""

    async def create_job(self, request: JobRequest) -> Job:
        """Queue a job. Raises `forbidden` where no ingest root is configured, `not_found` for a path below it."""

    async def job(self, job_id: str) -> Job:
        """One job. Raises `not_found`."""

    async def jobs(self, cursor: str | None, limit: int) -> tuple[list[Job], str | None]:
        """Jobs, newest first."""

    async def job_files(
        self, job_id: str, state: FileState | None, cursor: str | None, limit: int
    ) -> tuple[list[JobFile], str | None]:
        """Files of a job in its order. Raises `not_found`."""

    async def cancel_job(self, job_id: str) -> Job:
        """Stop a job; what is stored stays. Raises `not_found`, `conflict` where it has ended."""

    def watch_job(self, job_id: str) -> AsyncIterator[Job]:
        """The job now and whenever it has moved, until it ends. Raises `not_found`."""
