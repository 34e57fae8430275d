"""Keep tracks up to date: leave alone what has not changed, and embed again what another model embedded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from sonotype.catalog.port import Catalog, Stored
from sonotype.catalog.track import Draft, Metadata, Track
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Lane, Upload
from sonotype.plane.catalog.check_track import checked
from sonotype.plane.catalog.generations import Generations
from sonotype.plane.catalog.tracks import Tracks
from sonotype.plane.catalog.values import Submission
from sonotype.plane.query import AnalyzeQuery


class Upkeep:
    """What jobs need of the catalogue: the `JobTarget` of `ingest`.

    Args:
        catalog: the engine.
        generations: which ones are filled.
        tracks: how an upload is embedded and stored.
    """

    def __init__(self, catalog: Catalog, generations: Generations, tracks: Tracks) -> None:
        self._catalog = catalog
        self._generations = generations
        self._tracks = tracks

    async def put_track(self, submission: Submission, upload: Upload | None = None) -> Stored:
        """Analyse what was sent and store it for good. Raises any code of the table."""
        return await self._tracks.put(submission, upload)

    async def unchanged(self, submission: Submission, content_sha256: str) -> str | None:
        """Id of the track that stands for this file already; its metadata is updated. Raises `SonotypeError`."""
        wanted = checked(submission, has_upload=True)
        track = await self._standing_for(wanted)
        if track is None or track.content_sha256 != content_sha256:
            return None
        if self._generations.configured.generation not in track.generations:
            return None
        metadata = _known(wanted.metadata, track.metadata)
        if (metadata, wanted.source) == (track.metadata, track.source):
            return track.id
        try:
            await self._catalog.put(_with_metadata(track, metadata, wanted.source), seen=track.updated_at)
        except SonotypeError as error:
            if error.code is not Code.CONFLICT:
                raise
            return None  # changed or deleted since it was read: what is known of it counts no more
        return track.id

    def stale(self, generation: str | None) -> AsyncIterator[Track]:
        """Tracks without a vector in a generation; None means that of the configured model."""
        return self._catalog.stale(generation or self._generations.configured.generation)

    async def embed_again(self, track_id: str, generation: str | None, upload: Upload) -> bool:
        """Add the vector of a generation to a track; False if it is gone or its content is another.

        Raises:
            SonotypeError: `conflict` where the model of the generation is not served; any code of the table.
        """
        name = generation or self._generations.configured.generation
        space = self._generations.space(name)
        if space is None:
            raise SonotypeError(Code.CONFLICT, f"The model of the generation {name[:200]!r} is not served here.")
        vector = await self._tracks.embed(upload, space, AnalyzeQuery(lane=Lane.BULK, is_job=True))
        self._generations.filling(name)
        return await self._catalog.put_vector(track_id, name, vector, upload.sha256)

    async def _standing_for(self, wanted: Submission) -> Track | None:
        if wanted.id is not None:
            return next(iter(await self._catalog.get_many([wanted.id])), None)
        if wanted.metadata.external_id is None:
            return None
        return await self._catalog.find(wanted.metadata.collection, wanted.metadata.external_id)


def _known(given: Metadata, stored: Metadata) -> Metadata:
    """What was given, with the duration that was measured where none was."""
    return given if given.duration_s is not None else replace(given, duration_s=stored.duration_s)


def _with_metadata(track: Track, metadata: Metadata, source: str | None) -> Draft:
    """The same track: an engine keeps the vectors of the same content."""
    return Draft(
        metadata=metadata,
        vectors={},
        id=track.id,
        content_sha256=track.content_sha256,
        labels=track.labels,
        evidence=track.evidence,
        source=source,
    )
