"""Tracks between protobuf and our own types."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import from_json

from sonotype.api.grpc.enums import LANES
from sonotype.api.grpc.fields import chosen, filled, given, timestamp
from sonotype.api.grpc.gen import catalog_pb2 as cat
from sonotype.api.options import parse_options
from sonotype.api.track_params import Sent, StreamedSubmission, TrackCheck
from sonotype.catalog.port import Stored
from sonotype.catalog.track import Metadata, Track, TrackEvidence, TrackLabel
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog import limits
from sonotype.plane.catalog.values import Submission

_TEXTS = ("external_id", "title", "artist", "album", "mbid", "isrc")
_NUMBERS = ("year", "duration_s", "tempo_bpm")


def submission_of(options: cat.PutTrackOptions, client: str | None) -> Submission:
    """A track as the plane takes it, under the same rules as on the REST face. Raises `invalid_request`."""
    values: dict[str, Any] = {"metadata": _metadata_values(options.metadata), **given(options, "timeout_s")}
    values |= filled(options, "embedding_of") | chosen(options, lane=LANES)
    if options.embedding:
        values["embedding"] = list(options.embedding)
    sent = Sent(id=options.id or None, idempotency_key=options.idempotency_key or None, client=client)
    return parse_options(StreamedSubmission, values).submission(sent)


def check_of(request: cat.CheckTrackRequest) -> TrackCheck:
    """A file that could be sent. Raises `invalid_request`."""
    values = {"metadata": _metadata_values(request.metadata), "content_sha256": request.content_sha256}
    return parse_options(TrackCheck, values | filled(request, "id"))


def stored_of(stored: Stored) -> cat.PutTrackResponse:
    """What became of it."""
    return cat.PutTrackResponse(track=track_of(stored.track), created=stored.created, replayed=stored.replayed)


def track_of(track: Track) -> cat.Track:
    """A track with what the models said of it."""
    summary = track_summary_of(track)
    summary.labels.extend(_label(label) for label in track.labels)
    summary.evidence.extend(_evidence(evidence) for evidence in track.evidence)
    return summary


def track_summary_of(track: Track) -> cat.Track:
    """A track in a list."""
    return cat.Track(
        id=track.id,
        metadata=_metadata(track.metadata),
        content_sha256=track.content_sha256,
        generations=track.generations,
        source=track.source,
        created_at=timestamp(track.created_at),
        updated_at=timestamp(track.updated_at),
    )


def _metadata_values(metadata: cat.TrackMetadata) -> dict[str, Any]:
    values = given(metadata, *_TEXTS, *_NUMBERS) | filled(metadata, "collection")
    values["tags"] = list(metadata.tags)
    if metadata.extra_json:
        values["extra"] = _extra(metadata.extra_json)
    return values


def _extra(text: str) -> Any:
    if len(text) > limits.MAX_EXTRA_BYTES:
        raise limits.invalid(f"extra_json may have at most {limits.MAX_EXTRA_BYTES} bytes.")
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        detail = f"extra_json is not JSON, which has neither NaN nor Infinity: {error}."
        raise SonotypeError(Code.INVALID_REQUEST, detail) from None


def _metadata(metadata: Metadata) -> cat.TrackMetadata:
    told: dict[str, Any] = {name: getattr(metadata, name) for name in (*_TEXTS, *_NUMBERS)}
    extra = json.dumps(dict(metadata.extra), ensure_ascii=False) if metadata.extra else ""
    return cat.TrackMetadata(collection=metadata.collection, tags=metadata.tags, extra_json=extra, **told)


def _label(label: TrackLabel) -> cat.TrackLabel:
    return cat.TrackLabel(model=label.model, label=label.label, score=label.score)


def _evidence(evidence: TrackEvidence) -> cat.TrackEvidence:
    return cat.TrackEvidence(
        model=evidence.model, prototype=evidence.prototype, label=evidence.label, share=evidence.share
    )
