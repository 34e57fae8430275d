"""What a tagger is made of, and what is kept of a correction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sonotype.core.types import Floats

Said = NDArray[np.int8]
Numbers = NDArray[np.int64]
Kind = Literal["create", "feedback", "undo", "rollback"]
FITTED = 1
"""The version of a tagger that nobody has corrected yet."""


@dataclass(frozen=True, slots=True)
class About:
    """What a tagger was made of.

    Attributes:
        name: of the tagger.
        labels: L of them, in the order of every row.
        generation: of the catalogue, whose vectors it reads; vectors of another one are never compared with it.
        method: of `PrototypeSet.fit`.
        budget: prototypes it may have.
        k: neighbours that are asked.
        created_at: UTC.
    """

    name: str
    labels: tuple[str, ...]
    generation: str
    method: str
    budget: int
    k: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Base:
    """A fitted set before any correction: n tracks in m parts, L labels, D dimensions.

    Attributes:
        ids: of the tracks.
        vectors: of unit length, shape [n, D].
        said: what is known of each track and label: 1 is, -1 is not, 0 nothing; shape [n, L].
        part_of: part of each track, shape [n].
        splits: tree over the parts, rows of a node and its two children, shape [m - 1, 3].
        leaves: node of each part, shape [m].
    """

    ids: tuple[str, ...]
    vectors: Floats
    said: Said
    part_of: Numbers
    splits: Numbers
    leaves: Numbers


@dataclass(frozen=True, slots=True)
class Split:
    """Some members of a part become a part of their own."""

    part: int
    moved: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One acknowledged change, with every choice that was made, so that replay chooses nothing.

    Attributes:
        version: the state that it made; 1 is the fitted set.
        kind: of change.
        at: UTC.
        client: who asked.
        event: the client's own id of it; the same id is applied once.
        track: that was judged.
        label: number of the label.
        positive: it is, or is not.
        part: that a track new to the tagger joined.
        vector: of such a track, shape [D].
        split: of a part that had become too mixed or too wide.
        merge: part that took in another one, and that one.
        target: for `undo` and `rollback`, the version whose state is back.
    """

    version: int
    kind: Kind
    at: datetime
    client: str | None = None
    event: str | None = None
    track: str | None = None
    label: int | None = None
    positive: bool | None = None
    part: int | None = None
    vector: Floats | None = None
    split: Split | None = None
    merge: tuple[int, int] | None = None
    target: int | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """What somebody says of a track.

    Attributes:
        track: its id.
        label: one of the tagger's.
        positive: it is, or is not.
        vector: of the track, of unit length; None where the tagger knows the track.
        event: the client's own id of this correction; sent again it changes nothing.
        client: who says so.
    """

    track: str
    label: str
    positive: bool
    vector: Floats | None = None
    event: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change; durable when this is returned.

    Attributes:
        change: it.
        prototypes: there are now.
        replayed: nothing was done, because the same event had been taken before.
    """

    change: Change
    prototypes: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """How a tagger stands: sizes, its newest version, and how many corrections count in it."""

    version: int
    tracks: int
    prototypes: int
    corrections: int
