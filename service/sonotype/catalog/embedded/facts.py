"""The facts of a track that filters and ranking need of every track: keys, numbers and terms, in a few bytes."""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from sonotype.catalog.keys import album_key, artist_key, name_key, recording_keys
from sonotype.catalog.track import Draft


class Key(IntEnum):
    """The keys of a track; three kinds of recording key come last."""

    COLLECTION = 0
    ARTIST = 1
    ALBUM_TITLE = 2
    ALBUM = 3
    RECORDING = 4


class Number(IntEnum):
    """The numbers of a track."""

    YEAR = 0
    DURATION_S = 1
    TEMPO_BPM = 2


class Kind(IntEnum):
    """What a term is."""

    TAG = 0
    LABEL = 1
    PROTOTYPE = 2


Term = tuple[int, str]
KEYS = Key.RECORDING + 3
FACTS = np.dtype([("keys", "<u8", (KEYS,)), ("numbers", "<f4", (len(Number),))])
TERMS = np.dtype("<u4")
_LAYOUT = struct.Struct(f"<{KEYS}Q{len(Number)}f")  # the same bytes, packed ten times as fast
_TAG, _LABEL, _PROTOTYPE = (int(kind) for kind in Kind)  # plain numbers hash faster
_LARGEST = 3e38  # of what a 32-bit float holds


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one track.

    Attributes:
        slot: the track's number.
        id: the track's id.
        packed: one item of `FACTS`.
        terms: numbers of its terms, packed as `TERMS`.
    """

    slot: int
    id: str
    packed: bytes
    terms: bytes


@functools.lru_cache(256)
def collection_key(name: str) -> int:
    """The key of a collection; unlike the names of people's music its case counts."""
    return name_key(name.encode("utf-8", "surrogatepass").hex())


def pack(draft: Draft) -> bytes:
    """Keys and numbers of a draft as one item of `FACTS`."""
    metadata = draft.metadata
    keys = (
        collection_key(metadata.collection),
        artist_key(metadata),
        name_key(metadata.album),
        album_key(metadata),
        *recording_keys(draft.content_sha256, metadata.mbid, metadata.isrc),
    )
    numbers = [single(value) for value in (metadata.year, metadata.duration_s, metadata.tempo_bpm)]
    return _LAYOUT.pack(*keys, *numbers)


def terms_of(draft: Draft) -> list[Term]:
    """The terms of a draft, none twice."""
    named = [
        *((_TAG, tag) for tag in draft.metadata.tags),
        *((_LABEL, one.label) for one in draft.labels),
        *((_PROTOTYPE, one.prototype) for one in draft.evidence),
    ]
    return list(dict.fromkeys(named))


def pack_terms(numbers: Iterable[int]) -> bytes:
    """Numbers of terms as they are stored."""
    return np.array(list(numbers), TERMS).tobytes()


def unpack_terms(packed: bytes) -> list[int]:
    """The reverse of `pack_terms`."""
    terms: list[int] = np.frombuffer(packed, TERMS).tolist()
    return terms


def single(value: float | None) -> float:
    """A number as a 32-bit float can hold it; unknown is not a number."""
    return float("nan") if value is None else min(max(float(value), -_LARGEST), _LARGEST)
