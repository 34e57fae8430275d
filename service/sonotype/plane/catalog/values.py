"""What the use cases of the catalogue take and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sonotype.catalog.port import EVERYTHING, TrackFilter
from sonotype.catalog.ranking.values import Constraints, Hubness, Why
from sonotype.catalog.track import Metadata, Track
from sonotype.core.types import Floats, Lane


@dataclass(frozen=True, slots=True)
class Submission:
    """A track that a client sends: with an upload, or with an embedding already computed, never with both.

    Attributes:
        metadata: as the client gives it; what is absent is taken from the upload where it says so (duration).
        id: the id to store it under; None lets the catalogue decide, see `catalog.port.Catalog.put`.
        embedding: of the catalogue's model, shape [D].
        embedding_of: `<model>@<embedding>` that the client says it is of; None means the catalogue's.
        source: path below the ingest root, for ingested files.
        idempotency_key: of the client.
        lane: the queue to wait in.
        timeout_s: deadline from now.
        client: the authenticated caller.
        is_job: part of a job, which has no deadline but that of a hang.
    """

    metadata: Metadata
    id: str | None = None
    embedding: Floats | None = None
    embedding_of: str | None = None
    source: str | None = None
    idempotency_key: str | None = None
    lane: Lane = Lane.INTERACTIVE
    timeout_s: float | None = None
    client: str | None = None
    is_job: bool = False


@dataclass(frozen=True, slots=True)
class Seed:
    """One ingredient of a query, with a weight: positive for "more like this", negative for "less like that".

    Exactly one of the first five is given. `upload` means the audio that comes with the request.
    """

    track: str | None = None
    embedding: Floats | None = None
    prototype: str | None = None
    tag: str | None = None
    upload: bool = False
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class SimilarQuery:
    """Which tracks are similar to these?

    Attributes:
        seeds: at least one, at least one of them with a positive weight.
        k: how many.
        where: filter on metadata.
        constraints: what the list must keep to.
        diversity: 0 takes the most similar, 1 the most different among the candidates (lambda = 1 - diversity in
            maximal marginal relevance, Carbonell & Goldstein 1998).
        hubness: correct for tracks that are near to everything.
        why: add the reasons to every match.
        exact: compare with every track instead of asking the index.
        lane: for an upload.
        timeout_s: deadline from now.
        client: the authenticated caller.
    """

    seeds: tuple[Seed, ...]
    k: int = 10
    where: TrackFilter = EVERYTHING
    constraints: Constraints = field(default_factory=Constraints)
    diversity: float = 0.0
    hubness: Hubness = "mutual_proximity"
    why: bool = False
    exact: bool = False
    lane: Lane = Lane.INTERACTIVE
    timeout_s: float | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A track in an answer.

    Attributes:
        track: it.
        similarity: cosine to the query, -1…1; on a path, to the track before.
        score: what the order follows: the similarity, corrected for hubness where asked for, 0…1 or the cosine; on a
            path, the cosine to the first track.
        why: against the first positive seed that is a track; None unless asked for and possible.
    """

    track: Track
    similarity: float
    score: float
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Matches:
    """An answer.

    Attributes:
        matches: in the order of the answer.
        generation: name of the generation that was searched.
        exact: every track was compared.
        degraded: slower than it should be, because the index is being rebuilt.
        hubness: the correction that was made; `none` also where the catalogue is too small for one.
        short_because: which conditions left fewer than were asked for, in words; None where enough came.
    """

    matches: tuple[Match, ...]
    generation: str
    exact: bool
    degraded: bool
    hubness: Hubness
    short_because: str | None = None


@dataclass(frozen=True, slots=True)
class PathQuery:
    """A way of `count` tracks from one track to another, both included, each step small."""

    start: str
    end: str
    count: int = 10
    where: TrackFilter = EVERYTHING
    constraints: Constraints = field(default_factory=Constraints)


@dataclass(frozen=True, slots=True)
class PlaylistQuery:
    """An ordered list that begins near the seeds and flows.

    Attributes:
        seeds: as in a similarity query.
        count: how many tracks.
        where: filter on metadata.
        constraints: what the list must keep to.
        diversity: as in a similarity query.
        order: `similarity` (best first), `smooth` (each track near the one before) or `random` (from `random_seed`).
        artist_gap: tracks of other artists between two of one artist, where there are enough.
        include_seeds: begin with the seed tracks themselves.
        random_seed: of the order `random`.
        client: the authenticated caller.
    """

    seeds: tuple[Seed, ...]
    count: int = 25
    where: TrackFilter = EVERYTHING
    constraints: Constraints = field(default_factory=Constraints)
    diversity: float = 0.2
    order: Literal["similarity", "smooth", "random"] = "smooth"
    artist_gap: int = 2
    include_seeds: bool = True
    random_seed: int = 0
    client: str | None = None
