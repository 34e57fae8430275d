"""What the catalogue keeps of a track."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sonotype.core.types import Floats

DEFAULT_COLLECTION = "default"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known of a track beside its sound. `plane/catalog/limits.py` bounds every field.

    Attributes:
        collection: the library a track belongs to; every search can be scoped to some.
        external_id: the caller's own id, unique within the collection; for ingested files the path below their root.
        title: of the recording.
        artist: who is credited with it.
        album: the release it is on.
        year: of the release.
        duration_s: length of the whole track in seconds.
        tempo_bpm: beats per minute.
        mbid: MusicBrainz recording id; equal ones mean the same recording.
        isrc: International Standard Recording Code; equal ones mean the same recording.
        tags: words of the owner (genres, moods), lower case, without repetition; never the labels of a model.
        extra: anything else, a JSON object.
    """

    collection: str = DEFAULT_COLLECTION
    external_id: str | None = None
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    year: int | None = None
    duration_s: float | None = None
    tempo_bpm: float | None = None
    mbid: str | None = None
    isrc: str | None = None
    tags: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrackLabel:
    """A label that a model gave a track, with its score in 0…1."""

    model: str
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class TrackEvidence:
    """The share of one prototype in the logit of the label that it speaks for (its owner), mean over the track."""

    model: str
    prototype: str
    label: str
    share: float


@dataclass(frozen=True, slots=True)
class Draft:
    """A track as it is about to be stored.

    Attributes:
        id: the id to store it under; None lets the catalogue find it by external id or content, or make one.
        metadata: what is known of it.
        content_sha256: hash of the audio file (hex), where there was one.
        vectors: embeddings by the name of their generation, each [dim], finite and not zero; normalised when stored.
        labels: the strongest labels, best first.
        evidence: the strongest prototypes, best first.
        source: path of the file below the ingest root, where there is one: what can be embedded again.
        created_at: when it was created in another catalogue, UTC, for one that is new here; None means now.
        updated_at: when it was last stored there, UTC; None means now.
    """

    metadata: Metadata
    vectors: Mapping[str, Floats]
    id: str | None = None
    content_sha256: str | None = None
    labels: tuple[TrackLabel, ...] = ()
    evidence: tuple[TrackEvidence, ...] = ()
    source: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """A catalogue entry.

    Attributes:
        id: unique in the whole catalogue.
        metadata: as last stored.
        content_sha256: hash of the audio file (hex), where there was one.
        labels: the strongest labels of the models, best first.
        evidence: the strongest prototypes, best first.
        generations: names of the generations that hold an embedding of it.
        source: path of the file below the ingest root, where there is one.
        created_at: UTC.
        updated_at: UTC.
    """

    id: str
    metadata: Metadata
    content_sha256: str | None
    labels: tuple[TrackLabel, ...]
    evidence: tuple[TrackEvidence, ...]
    generations: tuple[str, ...]
    source: str | None
    created_at: datetime
    updated_at: datetime
