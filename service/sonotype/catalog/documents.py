"""A track as one JSON document beside the few columns that are searched by."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from sonotype.catalog.track import Draft, Metadata, Track, TrackEvidence, TrackLabel
from sonotype.core.errors import Code, SonotypeError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOVED = "The track was changed or deleted meanwhile."


@dataclass(frozen=True, slots=True)
class Record:
    """A track as an engine keeps it.

    Attributes:
        id: the track's id.
        content: hash of its audio (hex).
        created: microseconds since the epoch.
        updated: the same.
        generations: names of those that hold an embedding of it.
        body: everything else, as `encode` wrote it.
    """

    id: str
    content: str | None
    created: int
    updated: int
    generations: tuple[str, ...]
    body: bytes

    def track(self) -> Track:
        """The track as the port gives it."""
        body: dict[str, Any] = orjson.loads(self.body)
        metadata = Metadata(**body["metadata"] | {"tags": tuple(body["metadata"]["tags"])})
        labels = tuple(TrackLabel(*one) for one in body["labels"])
        evidence = tuple(TrackEvidence(*one) for one in body["evidence"])
        return self.track_of(Draft(metadata, {}, None, None, labels, evidence, body["source"]))

    def track_of(self, draft: Draft) -> Track:
        """The same, of the draft that it was made from: need not be unpacked."""
        return Track(
            id=self.id,
            metadata=draft.metadata,
            content_sha256=self.content,
            labels=draft.labels,
            evidence=draft.evidence,
            generations=self.generations,
            source=draft.source,
            created_at=_EPOCH + timedelta(microseconds=self.created),
            updated_at=_EPOCH + timedelta(microseconds=self.updated),
        )


def microseconds(when: datetime | None, otherwise: int = 0) -> int:
    """A time as a record holds it, or another one where there is none."""
    return otherwise if when is None else (when - _EPOCH) // timedelta(microseconds=1)


def encode(draft: Draft) -> bytes:
    """Everything of a draft but its vectors, content hash and id.

    Raises:
        SonotypeError: `invalid_request` for text that is not Unicode, or free fields that are no JSON.
    """
    # Not asdict for all of it: that copies every value deeply, and costs more than the rest of a put.
    metadata = {name: getattr(draft.metadata, name) for name in Metadata.__dataclass_fields__}
    body = {
        "metadata": metadata | {"extra": dict(draft.metadata.extra)},
        "labels": [(one.model, one.label, one.score) for one in draft.labels],
        "evidence": [(one.model, one.prototype, one.label, one.share) for one in draft.evidence],
        "source": draft.source,
    }
    try:
        return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)  # scores come from arrays
    except TypeError as error:
        raise SonotypeError(Code.INVALID_REQUEST, "The metadata must be Unicode text and JSON.") from error


def remember(record: Record, *, created: bool) -> bytes:
    """An answer as it is kept under its idempotency key."""
    return orjson.dumps(asdict(record) | {"body": record.body.decode(), "new": created})


def recall(answer: bytes) -> tuple[Record, bool]:
    """The reverse of `remember`."""
    fields: dict[str, Any] = orjson.loads(answer)
    created = bool(fields.pop("new"))
    fields |= {"body": fields["body"].encode(), "generations": tuple(fields["generations"])}
    return Record(**fields), created
