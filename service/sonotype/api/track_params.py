"""A track as a client sends it: the same names, limits and defaults on every face.

The models know names, types and the bounds that OpenAPI shows; `plane.catalog.check_track` holds every submission
against all rules, whatever face it came through.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, TypedDict

import numpy as np
from pydantic import ConfigDict, Field, JsonValue

from sonotype.api.options import Options
from sonotype.api.params import Name
from sonotype.catalog.track import DEFAULT_COLLECTION, Metadata
from sonotype.core.types import Floats, Lane
from sonotype.plane.catalog import limits
from sonotype.plane.catalog.values import Submission

TrackId = Annotated[str, Field(max_length=limits.MAX_ID, pattern=f"^{limits.ID.pattern}$")]
Collection = Annotated[str, Field(max_length=limits.MAX_COLLECTION, pattern=f"^{limits.COLLECTION.pattern}$")]
Text = Annotated[str, Field(max_length=limits.MAX_NAME)]
# what is sent beside the track itself comes from a header or from the options of a call
Waiting = Annotated[float | None, Field(gt=0, description="deadline in seconds; also as header `X-Request-Timeout`")]
UploadLane = Annotated[Lane, Field(strict=False, description="the queue an upload waits in; bulk work yields")]


class Sent(TypedDict, total=False):
    """What stands beside the body: in the path, in headers, in the call."""

    id: str | None
    idempotency_key: str | None
    client: str | None


class _MetadataFields(Options):
    collection: Collection = Field(DEFAULT_COLLECTION, description="the library that the track belongs to")
    external_id: str | None = Field(
        None,
        max_length=limits.MAX_EXTERNAL_ID,
        description="your own id, unique in the collection: storing it again replaces the track",
    )
    title: Text | None = Field(None, description="of the recording")
    artist: Text | None = Field(None, description="who is credited with it")
    album: Text | None = Field(None, description="the release it is on")
    year: int | None = Field(None, ge=1, le=limits.MAX_YEAR, description="of the release")
    duration_s: float | None = Field(
        None, ge=0, le=limits.MAX_DURATION_S, description="length in seconds; absent means as decoded from the upload"
    )
    tempo_bpm: float | None = Field(None, ge=1, le=limits.MAX_TEMPO_BPM, description="beats per minute")
    mbid: str | None = Field(None, max_length=64, description="MusicBrainz recording id")
    isrc: str | None = Field(None, max_length=64, description="International Standard Recording Code")

    def _values(self) -> dict[str, Any]:
        names = _MetadataFields.model_fields
        return {name: getattr(self, name) for name in names}


class MetadataBody(_MetadataFields):
    """What is known of a track beside its sound."""

    model_config = ConfigDict(strict=True, title="Metadata")

    tags: list[str] = Field([], max_length=limits.MAX_TAGS, description="words of yours: genres, moods, anything")
    extra: dict[str, JsonValue] = Field({}, description=f"anything else, at most {limits.MAX_EXTRA_BYTES} bytes")

    def metadata(self) -> Metadata:
        """The values as the plane takes them."""
        return Metadata(**self._values(), tags=tuple(self.tags), extra=self.extra)


class UploadOptions(Options):
    """How an upload is worked on."""

    lane: UploadLane = Lane.INTERACTIVE
    timeout_s: Waiting = None


class TrackUploadParams(_MetadataFields, UploadOptions):
    """A track whose audio is the body of the request: metadata in the query string."""

    tag: list[str] = Field([], max_length=limits.MAX_TAGS, description="a word of yours, repeatable")

    def metadata(self) -> Metadata:
        """The values as the plane takes them."""
        return Metadata(**self._values(), tags=tuple(self.tag))

    def names_metadata(self) -> bool:
        """Whether any of it was given."""
        return bool(self.model_fields_set - UploadOptions.model_fields.keys())

    def submission(self, sent: Sent, metadata: Metadata | None = None) -> Submission:
        """The request as the plane takes it, with other metadata where they came in a part of their own."""
        metadata = self.metadata() if metadata is None else metadata
        return Submission(metadata, lane=self.lane, timeout_s=self.timeout_s, **sent)


class TrackSubmission(Options):
    """A track with its embedding already computed."""

    model_config = ConfigDict(strict=True)

    metadata: MetadataBody = Field(MetadataBody(), description="what is known of it")
    embedding: list[float] | None = Field(
        None,
        min_length=1,
        max_length=limits.MAX_DIM,
        description="of the catalogue's model; its length does not matter",
    )
    embedding_of: Name | None = Field(
        None, description="`<model>@<embedding>` that it is of, to be sure; absent means the catalogue's"
    )

    def submission(self, sent: Sent) -> Submission:
        """The request as the plane takes it."""
        embedding = None if self.embedding is None else float32(self.embedding)
        return Submission(self.metadata.metadata(), embedding=embedding, embedding_of=self.embedding_of, **sent)


class TrackCheck(Options):
    """A file that could be sent, without its audio."""

    model_config = ConfigDict(strict=True)

    id: TrackId | None = Field(None, description="the id to store it under; absent means that the external id decides")
    metadata: MetadataBody = Field(MetadataBody(), description="what is known of it")
    content_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the file, in hexadecimal digits")

    def submission(self) -> Submission:
        """What would be stored."""
        return Submission(self.metadata.metadata(), id=self.id)


class StreamedSubmission(TrackSubmission, UploadOptions):
    """A track as gRPC sends it: with its embedding, or before its audio."""

    def submission(self, sent: Sent) -> Submission:
        """The request as the plane takes it."""
        return replace(super().submission(sent), lane=self.lane, timeout_s=self.timeout_s)


def float32(values: list[float]) -> Floats:
    """An array [n]; numbers too large for it become infinite, which the plane refuses."""
    with np.errstate(over="ignore"):
        return np.asarray(values, dtype=np.float32)
