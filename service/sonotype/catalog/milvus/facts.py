"""What filters and ranking need of a track, as fields of a row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from sonotype.catalog.keys import album_key, artist_key, name_key, recording_keys, signed
from sonotype.catalog.milvus.filters import ABSENT, LARGEST, exact_key
from sonotype.catalog.milvus.layout import TERMS
from sonotype.catalog.track import Draft
from sonotype.core.errors import Code, SonotypeError

DRAWS = 1 << 31


def draw_of(track_id: str) -> int:
    """A number below `DRAWS` that looks random and follows from the id: slices of it are fair samples."""
    return int.from_bytes(hashlib.blake2b(track_id.encode(), digest_size=4).digest(), "little") >> 1


def facts_of(track_id: str, draft: Draft) -> dict[str, Any]:
    """`layout.FACT_FIELDS` without the revision. Raises `invalid_request` for too many tags or labels."""
    metadata = draft.metadata
    content, mbid, isrc = recording_keys(draft.content_sha256, metadata.mbid, metadata.isrc)
    return {
        "draw": draw_of(track_id),
        "collection": exact_key(metadata.collection),
        "artist": signed(artist_key(metadata)),
        "album_title": signed(name_key(metadata.album)),
        "album": signed(album_key(metadata)),
        "content": signed(content),
        "mbid": signed(mbid),
        "isrc": signed(isrc),
        "year": _number(metadata.year),
        "duration_s": _number(metadata.duration_s),
        "tempo_bpm": _number(metadata.tempo_bpm),
        "tags": _terms(metadata.tags),
        "labels": _terms(one.label for one in draft.labels),
        "prototypes": _terms(one.prototype for one in draft.evidence),
    }


def _number(value: float | None) -> float:
    return ABSENT if value is None else min(max(float(value), -LARGEST), LARGEST)


def _terms(names: Iterable[str]) -> list[int]:
    keys = [exact_key(name) for name in dict.fromkeys(names)]
    if len(keys) > TERMS:
        raise SonotypeError(Code.INVALID_REQUEST, f"A track has at most {TERMS} tags, labels or prototypes.")
    return keys
