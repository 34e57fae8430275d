"""What ranking takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Hubness = Literal["mutual_proximity", "none"]


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a list of tracks must keep to, beside the filter.

    Attributes:
        max_per_artist: None means any number.
        max_per_album: None means any number.
        hide_duplicates: show one track per recording (same content, MBID or ISRC); nothing is merged or deleted.
        exclude: ids that must not come; the seeds never come.
        tempo_within: largest relative difference of the tempo to the seed track's, e.g. 0.1.
        duration_within: the same for the duration.
    """

    max_per_artist: int | None = None
    max_per_album: int | None = None
    hide_duplicates: bool = False
    exclude: tuple[str, ...] = ()
    tempo_within: float | None = None
    duration_within: float | None = None


@dataclass(frozen=True, slots=True)
class SharedPrototype:
    """A prototype whose evidence two tracks share.

    Attributes:
        prototype: its id; `/v1/prototypes/{id}` plays it.
        model: address of the prototype model.
        label: the class it speaks for.
        share_a: its share in the label's logit for the one track.
        share_b: for the other.
        strength: the smaller of both relative to each track's largest share, 0…1.
    """

    prototype: str
    model: str
    label: str
    share_a: float
    share_b: float
    strength: float


@dataclass(frozen=True, slots=True)
class SharedLabel:
    """A label that a model gave to two tracks, with its score for each."""

    model: str
    label: str
    score_a: float
    score_b: float


@dataclass(frozen=True, slots=True)
class Why:
    """Why two tracks are alike, strongest reasons first.

    Attributes:
        tags: of their owners, on both.
        labels: on both.
        prototypes: that speak for the same in both; empty where no prototype model is loaded.
        same: fields of the metadata that are equal: `artist`, `album`, `recording` …
        similarity: cosine of their embeddings; None where one of them has none in the current generation.
        sentence: the same in one sentence for people.
    """

    tags: tuple[str, ...]
    labels: tuple[SharedLabel, ...]
    prototypes: tuple[SharedPrototype, ...]
    same: tuple[str, ...]
    similarity: float | None
    sentence: str
