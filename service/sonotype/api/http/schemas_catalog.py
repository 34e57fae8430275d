"""The bodies of the catalogue's answers, for OpenAPI. Nothing is rendered through these models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from sonotype.api.http.body import Body
from sonotype.catalog.port import GenerationState
from sonotype.catalog.ranking.values import Hubness

TrackId = Annotated[str, Field(description="unique in the whole catalogue", examples=["b7Q0xk3m"])]
Moment = Annotated[str, Field(description="RFC 3339, UTC", examples=["2026-11-23T15:52:18.123456Z"])]
PrototypeUrl = Annotated[str, Field(examples=["/v1/prototypes/instruments-pecmae.cello.0"])]
Cosine = Annotated[float, Field(ge=-1.000001, le=1.000001, description="cosine", examples=[0.913202])]
Cursor = Annotated[str | None, Field(description="give it back as `cursor` for the next page; null at the end")]


class TrackMetadata(Body):
    """What is known of a track beside its sound."""

    collection: str = Field(examples=["default"])
    external_id: str | None = Field(examples=["jazz/kind-of-blue/01.flac"])
    title: str | None = Field(examples=["So What"])
    artist: str | None = Field(examples=["Miles Davis"])
    album: str | None = Field(examples=["Kind of Blue"])
    year: int | None = Field(examples=[1959])
    duration_s: float | None = Field(examples=[562.4])
    tempo_bpm: float | None = Field(examples=[136.0])
    mbid: str | None
    isrc: str | None
    tags: list[str] = Field(description="the owner's words, in lower case", examples=[["jazz", "modal"]])
    extra: dict[str, Any]


class TrackLabelBody(Body):
    """A label that a model gave the track."""

    model: str = Field(examples=["musicnn-msd@1"])
    label: str = Field(examples=["jazz"])
    score: float = Field(examples=[0.731])


class TrackEvidenceBody(Body):
    """The share of a prototype in the logit of its label, mean over the track."""

    model: str = Field(examples=["instruments-pecmae@1"])
    prototype: str = Field(examples=["instruments-pecmae.cello.0"])
    label: str = Field(examples=["cello"])
    share: float = Field(examples=[1.204])
    url: PrototypeUrl


class TrackSummary(Body):
    """A track of the catalogue in a list."""

    id: TrackId
    metadata: TrackMetadata
    content_sha256: str | None = Field(description="of the audio file, where there was one")
    generations: list[str] = Field(description="generations that hold an embedding of it")
    source: str | None = Field(description="path below the ingest root, for ingested files")
    created_at: Moment
    updated_at: Moment


class TrackBody(TrackSummary):
    """A track of the catalogue with what the models said of it, best first."""

    labels: list[TrackLabelBody]
    evidence: list[TrackEvidenceBody]


class TrackCheckBody(Body):
    """Whether a file need be sent."""

    id: str | None = Field(description="of the track that stands for it already; null means: send the file")


class TracksBody(Body):
    """A page of tracks, in the order of creation."""

    tracks: list[TrackSummary]
    cursor: Cursor


class SharedLabelBody(Body):
    """A label that a model gave to both."""

    model: str
    label: str
    score_a: float
    score_b: float


class SharedPrototypeBody(Body):
    """A prototype whose evidence both share."""

    prototype: str = Field(examples=["instruments-pecmae.cello.0"])
    model: str
    label: str = Field(description="the class it speaks for")
    share_a: float = Field(description="its share in the label's logit for the one track")
    share_b: float = Field(description="and for the other")
    strength: float = Field(ge=0, le=1, description="smaller of both, relative to each track's largest share")
    url: PrototypeUrl


class WhyBody(Body):
    """Why two tracks are alike, strongest reasons first."""

    sentence: str = Field(description="the same in one sentence for people")
    similarity: Cosine | None = Field(description="null where one of them has no embedding in the current generation")
    same: list[str] = Field(description="fields of the metadata that are equal", examples=[["artist"]])
    tags: list[str] = Field(description="the owner's words on both")
    labels: list[SharedLabelBody]
    prototypes: list[SharedPrototypeBody] = Field(description="empty where no prototype model is loaded")


class MatchBody(Body):
    """A track in an answer."""

    track: TrackSummary
    similarity: Cosine = Field(description="cosine to the query; on a path, to the track before")
    score: float = Field(
        description="what the order follows: the similarity, corrected for hubness where asked for; on a path, the "
        "cosine to the first track"
    )
    why: WhyBody | None = Field(None, description="with `why=true`, against the first positive seed that is a track")


class MatchesBody(Body):
    """Tracks in an order."""

    request_id: str
    matches: list[MatchBody]
    generation: str = Field(description="what was searched")
    exact: bool = Field(description="every track was compared")
    degraded: bool = Field(description="slower than it should be, because the index is being rebuilt")
    hubness: Hubness = Field(description="the correction that was made")
    short_because: str | None = Field(description="which conditions left fewer than were asked for")


class GenerationBody(Body):
    """All embeddings by one model."""

    name: str = Field(examples=["musicnn-msd@1.penultimate.0f3c9a1b2d4e"])
    embedding: str = Field(examples=["musicnn-msd@penultimate"])
    model_sha256: str
    dim: int = Field(examples=[200])
    state: GenerationState
    tracks: int = Field(description="with a vector in it")
    current: bool = Field(description="searches go here")
    degraded: str | None = Field(description="why searches are slower than they should be")


class CatalogBody(Body):
    """Facts of the whole catalogue."""

    engine: Literal["embedded", "milvus"]
    tracks: int
    stale: int = Field(description="tracks without a vector in the current generation")
    generations: list[GenerationBody] = Field(description="newest first")
    writable: bool = Field(description="false where the disk is too full")
    bytes: int | None = Field(description="on disk, where the engine knows it")
    takes_jobs: bool = Field(description="whether jobs can be started; not so without an ingest root")
