"""The use cases of the catalogue behind one object, which is all that a face gets to see of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sonotype.catalog.jobs.job import FileState, Job, JobFile, JobRequest
from sonotype.catalog.port import Catalog, CatalogStatus, Generation, Page, Stored, TrackFilter
from sonotype.catalog.ranking.values import Why
from sonotype.catalog.ranking.why import why
from sonotype.catalog.track import Track
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Upload
from sonotype.plane.catalog import limits
from sonotype.plane.catalog.check_query import checked_filter
from sonotype.plane.catalog.generations import Generations
from sonotype.plane.catalog.jobs import Desk
from sonotype.plane.catalog.path import Path
from sonotype.plane.catalog.playlist import Playlist
from sonotype.plane.catalog.searching import Searching
from sonotype.plane.catalog.seeds import Seeds
from sonotype.plane.catalog.similar import Similar
from sonotype.plane.catalog.tagger_values import TaggerPlane
from sonotype.plane.catalog.upkeep import Upkeep
from sonotype.plane.catalog.values import Matches, PathQuery, PlaylistQuery, SimilarQuery, Submission


class CatalogService:
    """Implements `plane.catalog.port.CatalogPlane` on an engine.

    Args:
        catalog: the engine.
        generations: opened.
        seeds: understands queries.
        upkeep: stores tracks and keeps them up to date.
        desk: where jobs are taken.
        taggers: None where their files cannot be opened.
    """

    def __init__(
        self,
        catalog: Catalog,
        generations: Generations,
        seeds: Seeds,
        upkeep: Upkeep,
        desk: Desk,
        *,
        taggers: TaggerPlane | None = None,
    ) -> None:
        self._catalog = catalog
        self._generations = generations
        self._seeds = seeds
        self._upkeep = upkeep
        self._desk = desk
        self._taggers = taggers
        searching = Searching(catalog)
        self._similar = Similar(seeds, searching)
        self._path = Path(seeds, searching, generations)
        self._playlist = Playlist(seeds, searching)

    @property
    def taggers(self) -> TaggerPlane:
        """The use cases of taggers. Raises `unavailable` where their files cannot be opened."""
        if self._taggers is None:
            raise SonotypeError(Code.UNAVAILABLE, "The files of the taggers cannot be opened; the log says why.")
        return self._taggers

    async def put_track(self, submission: Submission, upload: Upload | None = None) -> Stored:
        """Analyse what was sent and store it for good. Raises any code of the table."""
        return await self._upkeep.put_track(submission, upload)

    async def unchanged(self, submission: Submission, content_sha256: str) -> str | None:
        """Id of the track that stands for this file already. Raises `SonotypeError`."""
        return await self._upkeep.unchanged(submission, content_sha256)

    def stale(self, generation: str | None) -> AsyncIterator[Track]:
        """Tracks without a vector in a generation; None means that of the configured model."""
        return self._upkeep.stale(generation)

    async def embed_again(self, track_id: str, generation: str | None, upload: Upload) -> bool:
        """Add the vector of a generation to a track. Raises any code of the table."""
        return await self._upkeep.embed_again(track_id, generation, upload)

    async def track(self, track_id: str) -> Track:
        """One track. Raises `not_found`."""
        limits.check_id(track_id)
        return await self._catalog.get(track_id)

    async def delete_track(self, track_id: str) -> None:
        """Delete for good. Raises `not_found`."""
        limits.check_id(track_id)
        await self._catalog.delete(track_id)

    async def tracks(self, where: TrackFilter, cursor: str | None, limit: int) -> Page:
        """Tracks in the order of creation. Raises `invalid_request`."""
        limits.check_limit(limit)
        limits.check_cursor(cursor)
        return await self._catalog.list(checked_filter(where), cursor, limit)

    async def similar(self, query: SimilarQuery, upload: Upload | None = None) -> Matches:
        """Tracks similar to the seeds. Raises `SonotypeError`."""
        return await self._similar.find(query, upload)

    async def why(self, track_a: str, track_b: str) -> Why:
        """Why two tracks are alike. Raises `not_found`."""
        for name in (track_a, track_b):
            limits.check_id(name)
        documents = {track.id: track for track in await self._seeds.documents((track_a, track_b))}
        vectors = await self._catalog.vectors((track_a, track_b))
        cosine = float(vectors[track_a] @ vectors[track_b]) if {track_a, track_b} <= set(vectors) else None
        return why(documents[track_a], documents[track_b], cosine)

    async def path(self, query: PathQuery) -> Matches:
        """A way from one track to another. Raises `SonotypeError`."""
        return await self._path.find(query)

    async def playlist(self, query: PlaylistQuery) -> Matches:
        """An ordered list of tracks. Raises `SonotypeError`."""
        return await self._playlist.make(query)

    async def status(self) -> CatalogStatus:
        """Facts of the whole catalogue; stale are those tracks that the configured model has not embedded."""
        return await self._generations.status()

    async def promote(self, generation: str) -> Generation:
        """Let searches use a generation. Raises `not_found`, `conflict` where its recall is below 0.95."""
        return await self._generations.promote(generation)

    async def create_job(self, request: JobRequest) -> Job:
        """Queue a job. Raises `forbidden` where no ingest root is configured, `not_found` for a path below it."""
        limits.check_collection(request.collection)
        return await self._desk.create_job(request)

    async def job(self, job_id: str) -> Job:
        """One job. Raises `not_found`."""
        return await self._desk.job(job_id)

    async def jobs(self, cursor: str | None, limit: int) -> tuple[list[Job], str | None]:
        """Jobs, newest first."""
        limits.check_limit(limit)
        limits.check_cursor(cursor)
        return await self._desk.jobs(cursor, limit)

    async def job_files(
        self, job_id: str, state: FileState | None, cursor: str | None, limit: int
    ) -> tuple[list[JobFile], str | None]:
        """Files of a job in its order. Raises `not_found`."""
        limits.check_limit(limit)
        limits.check_cursor(cursor)
        return await self._desk.job_files(job_id, state, cursor, limit)

    async def cancel_job(self, job_id: str) -> Job:
        """Stop a job; what is stored stays. Raises `not_found`, `conflict` where it has ended."""
        return await self._desk.cancel_job(job_id)

    def watch_job(self, job_id: str) -> AsyncIterator[Job]:
        """The job now and whenever it has moved, until it ends. Raises `not_found`."""
        return self._desk.watch_job(job_id)
