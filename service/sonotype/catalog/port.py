"""The port of the catalogue: what an engine must do, embedded in this process or distributed over many.

Two adapters stand behind it: `embedded/` (SQLite holds the truth, a derived HNSW index searches it) and `milvus/`.
The same conformance tests run on both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from sonotype.catalog.track import Draft, Track
from sonotype.core.types import Floats

Keys = NDArray[np.uint64]
GenerationState = Literal["building", "ready"]


@dataclass(frozen=True, slots=True)
class Range:
    """A closed range; None leaves an end open. Tracks whose value is unknown are outside."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class TrackFilter:
    """Which tracks a search or a list may return: every given condition must hold.

    Attributes:
        collections: one of these.
        artists: one of these, compared without case.
        albums: one of these, compared without case.
        tags: all of these are among the track's own tags.
        any_tags: at least one of these is.
        labels: all of these are among the strongest labels that a model gave it.
        year: of the release.
        duration_s: seconds.
        tempo_bpm: beats per minute.
    """

    collections: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()
    albums: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    any_tags: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    year: Range | None = None
    duration_s: Range | None = None
    tempo_bpm: Range | None = None


EVERYTHING = TrackFilter()


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A client's promise that two requests are one.

    Attributes:
        client: whose key it is.
        key: as the client sent it.
        request_sha256: hash of everything that the request says (hex); another one under the same key is an error.
    """

    client: str
    key: str
    request_sha256: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a draft: durable when this is returned.

    Attributes:
        track: as it stands in the catalogue.
        created: it is new; otherwise an existing track was replaced.
        replayed: nothing was done, because the same request had been done before.
    """

    track: Track
    created: bool
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list in the order of creation; `cursor` continues it, None ends it."""

    tracks: tuple[Track, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Candidates:
    """Tracks near a vector, most similar first, with all that ranking needs and nothing else. n rows, D dimensions.

    A key is a 64-bit hash of a name without case; 0 means unknown, and unknown never equals unknown.

    Attributes:
        ids: of the tracks.
        similarity: cosine to the query, shape [n].
        vectors: of unit length, shape [n, D].
        artist: key of the artist, shape [n].
        album: key of album and artist together, shape [n].
        recording: keys of content hash, MBID and ISRC, shape [n, 3]: two tracks that share one are one recording.
        neighbour_mean: mean cosine of each track to a fixed sample of its generation, shape [n].
        neighbour_std: standard deviation of the same, shape [n]; 0 where the sample is too small to say.
    """

    ids: tuple[str, ...]
    similarity: Floats
    vectors: Floats
    artist: Keys
    album: Keys
    recording: Keys
    neighbour_mean: Floats
    neighbour_std: Floats


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a search.

    Attributes:
        candidates: most similar first.
        generation: where was searched.
        exact: every track was compared, not only those that the index led to.
        degraded: the index is being rebuilt, or misses tracks: slower for a while, but nothing is missing.
        sample: the fixed sample of unit vectors [m, D] that `neighbour_mean` refers to; m may be 0.
    """

    candidates: Candidates
    generation: str
    exact: bool
    degraded: bool
    sample: Floats


@dataclass(frozen=True, slots=True)
class Generation:
    """All embeddings by one model: the vectors of another model can never be compared with them.

    Attributes:
        name: `<model>@<version>.<embedding>.<first 12 hex digits of the weights' hash>`.
        embedding: `<model>@<embedding>`, as users write it.
        model_sha256: hash of the weights (hex).
        dim: length of its vectors.
        state: `building` until its vectors are searched as fast as they should be.
        tracks: how many tracks have a vector in it.
        current: the alias points to it: searches that name no generation go here.
        degraded: why searches are slower than they should be, in words; None where nothing is amiss.
    """

    name: str
    embedding: str
    model_sha256: str
    dim: int
    state: GenerationState
    tracks: int
    current: bool
    degraded: str | None = None


@dataclass(frozen=True, slots=True)
class CatalogStatus:
    """Facts of the whole catalogue.

    Attributes:
        engine: `embedded` or `milvus`.
        tracks: all of them.
        stale: tracks without a vector in the current generation.
        generations: newest first.
        writable: False where the disk is too full.
        bytes: on disk, where the engine knows it.
    """

    engine: str
    tracks: int
    stale: int
    generations: tuple[Generation, ...]
    writable: bool
    bytes: int | None


class Catalog(Protocol):
    """The engine. Every method may raise `unavailable` where the engine does not answer."""

    async def put(
        self, draft: Draft, idempotency: Idempotency | None = None, *, seen: datetime | None = None
    ) -> Stored:
        """Store a track for good; it is found by the next search.

        With `draft.id` the track of that id is created or replaced. Without one, a track of the same collection and
        external id is replaced; failing an external id, one of the same collection and content hash that has no
        external id either; otherwise a new track is created. Tracks are never merged for any other reason. Vectors
        of generations that the draft does not name are kept if the content hash is the same, else dropped.

        Args:
            draft: what is to be stored.
            idempotency: a promise that two requests are one.
            seen: `updated_at` of the track that the draft was made from: it must still be there in that state.

        Raises:
            SonotypeError: `invalid_request` for a vector of the wrong length, not finite or zero, or an unknown
                generation; `conflict` where the external id belongs to another track, and where the track is not the
                one that was `seen`; `idempotency_mismatch`; `insufficient_storage`.
        """

    async def get(self, track_id: str) -> Track:
        """One track. Raises `not_found`."""

    async def find(self, collection: str, external_id: str) -> Track | None:
        """The track of a collection that has this external id."""

    async def get_many(self, track_ids: Sequence[str]) -> list[Track]:
        """Tracks in the order asked; unknown ones are left out."""

    async def delete(self, track_id: str) -> None:
        """Delete for good; it is in no answer from now on. Raises `not_found`, `insufficient_storage`."""

    async def list(self, where: TrackFilter, cursor: str | None, limit: int) -> Page:
        """Tracks in the order of creation. Raises `invalid_request` for a cursor that is not ours."""

    async def vectors(self, track_ids: Sequence[str], generation: str | None = None) -> dict[str, Floats]:
        """Unit vectors [D] of those tracks that have one in the generation; None means the current one."""

    async def search(
        self,
        vector: Floats,
        count: int,
        *,
        where: TrackFilter = EVERYTHING,
        exclude: Sequence[str] = (),
        generation: str | None = None,
        exact: bool = False,
    ) -> Found:
        """The `count` tracks nearest to a vector [D] by cosine.

        Args:
            vector: of any length but zero.
            count: how many; fewer come where the filter leaves fewer.
            where: only these tracks.
            exclude: ids of tracks that must not come.
            generation: None means the current one.
            exact: compare with every track.

        Raises:
            SonotypeError: `invalid_request` as in `put`; `not_found` for an unknown generation.
        """

    async def carriers(
        self, *, tag: str | None = None, label: str | None = None, prototype: str | None = None, limit: int = 512
    ) -> Floats:
        """Unit vectors [n, D] of tracks of the current generation that carry a tag, a label or a prototype's evidence.

        At most `limit`, a fixed choice; n is 0 where nothing carries it. Exactly one of the three is named.
        """

    async def centre(self) -> Floats:
        """Mean [D] of the fixed sample of the current generation; zeros where it is empty."""

    async def add_generation(self, embedding: str, name: str, model_sha256: str, dim: int) -> Generation:
        """Begin a generation, or return the one of that name. The first of all becomes the current one."""

    async def promote(self, generation: str) -> Generation:
        """Let the alias point to a generation, also back to an older one.

        Raises:
            SonotypeError: `not_found`; `conflict` while it is degraded.
        """

    async def drop_generation(self, generation: str) -> None:
        """Delete a generation with its vectors. Raises `not_found`, `conflict` for the current one."""

    def stale(self, generation: str) -> AsyncIterator[Track]:
        """Tracks without a vector in a generation, in the order of creation, while they are there."""

    async def put_vector(self, track_id: str, generation: str, vector: Floats, content_sha256: str | None) -> bool:
        """Add the vector of one generation to a track; False if the track is gone or its content is another now."""

    async def recall(self, generation: str, sample: int = 200, count: int = 10) -> float:
        """Share of the exact nearest neighbours that the index finds, for a random sample of tracks of a generation."""

    async def status(self) -> CatalogStatus:
        """Facts of the whole catalogue."""

    async def aclose(self) -> None:
        """Finish what was acknowledged and close."""
