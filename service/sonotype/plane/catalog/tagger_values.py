"""What the use cases of taggers take and give, and the port that the faces see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sonotype.catalog.port import EVERYTHING, TrackFilter
from sonotype.catalog.taggers.answering import Heard
from sonotype.catalog.taggers.reporting import Size
from sonotype.catalog.taggers.tagger import Facts, Outcome
from sonotype.catalog.taggers.values import About, Change
from sonotype.core.types import Floats, Lane, Upload
from sonotype.plane.catalog.tagger_limits import DEFAULT_BUDGET


@dataclass(frozen=True, slots=True)
class NewTagger:
    """A tagger to fit.

    Attributes:
        name: of it.
        where: tracks of the catalogue; their own tags are their labels.
        csv: a table of `id,label,label…` instead, UTF-8.
        labels: only these; none given means every label that is there.
        method: of `PrototypeSet.fit`.
        budget: prototypes: a share of the tracks below 1 (but 8 at least), or a number.
        k: neighbours to ask; None lets the number of prototypes decide.
    """

    name: str
    where: TrackFilter = EVERYTHING
    csv: bytes | None = None
    labels: tuple[str, ...] = ()
    method: str = "entropy"
    budget: float = DEFAULT_BUDGET
    k: int | None = None


@dataclass(frozen=True, slots=True)
class TaggerInfo:
    """A tagger as it stands.

    Attributes:
        about: what it was made of.
        facts: its sizes and its version.
        stale: the catalogue searches another generation by now. It still answers for tracks that have a vector of its
            own generation.
    """

    about: About
    facts: Facts
    stale: bool


@dataclass(frozen=True, slots=True)
class Fitting:
    """A tagger that is being made: `reading` tracks, or `fitting` them.

    Attributes:
        name: of it.
        phase: what is done now.
        tracks: read so far.
    """

    name: str
    phase: str = "reading"
    tracks: int = 0


@dataclass(frozen=True, slots=True)
class TagQuery:
    """What is to be tagged: tracks, or an embedding, or the upload that comes with the request.

    Attributes:
        name: of the tagger.
        tracks: ids.
        embedding: of the tagger's own generation, of any length but zero, shape [D].
        lane: for an upload, as are the next two.
        timeout_s: deadline from now.
        client: the authenticated caller.
    """

    name: str
    tracks: tuple[str, ...] = ()
    embedding: Floats | None = None
    lane: Lane = Lane.INTERACTIVE
    timeout_s: float | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Tagged:
    """Answers, in the order asked: the id of the track where it is one, and what was heard."""

    tagger: TaggerInfo
    answers: Sequence[tuple[str | None, Heard]]


@dataclass(frozen=True, slots=True)
class Feedback:
    """Somebody says that a track is, or is not, what a label says. See `catalog.taggers.tagger.Correction`."""

    track: str
    label: str
    positive: bool
    event: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class TrackDoubt:
    """A label of a track that its neighbourhood contradicts; see `catalog.taggers.reporting.Doubt`."""

    track: str
    label: str
    positive: bool
    agreement: float


@dataclass(frozen=True, slots=True)
class TaggerReport:
    """How good a tagger is on its own tracks.

    Attributes:
        tagger: as it stands.
        tracks: that the curve was drawn from.
        artists: how many are known among them; tracks of one are never on both sides.
        sizes: the curve.
        doubts: the most doubtful first.
        doubted: how many there are in all.
    """

    tagger: TaggerInfo
    tracks: int
    artists: int
    sizes: Sequence[Size]
    doubts: Sequence[TrackDoubt]
    doubted: int


@dataclass(frozen=True, slots=True)
class Versions:
    """The newest changes first; `current` is the newest version."""

    labels: tuple[str, ...]
    current: int
    changes: Sequence[Change] = field(default_factory=tuple)


class TaggerPlane(Protocol):
    """Everything a face may do with taggers. All methods raise `SonotypeError`."""

    async def create(self, new: NewTagger) -> TaggerInfo:
        """Fit a tagger and keep it. Raises `conflict` where the name is taken, `invalid_request`, `not_found`."""

    async def all(self) -> tuple[list[TaggerInfo], list[Fitting]]:
        """Every tagger, and those that are being made, sorted by name."""

    async def get(self, name: str) -> TaggerInfo:
        """One tagger. Raises `not_found`."""

    async def delete(self, name: str) -> None:
        """Delete for good. Raises `not_found`."""

    async def tag(self, query: TagQuery, upload: Upload | None = None) -> Tagged:
        """Labels with reasons. Raises `not_found`, `conflict` for what has no vector that can be compared."""

    async def feedback(self, name: str, said: Feedback) -> Outcome:
        """Learn from a correction; durable when this returns. Raises `not_found`, `idempotency_mismatch`."""

    async def undo(self, name: str, version: int | None = None, client: str | None = None) -> Outcome:
        """Take the last correction back. Raises `not_found`, `conflict`."""

    async def rollback(self, name: str, version: int, client: str | None = None) -> Outcome:
        """Go back to a version. Raises `not_found`."""

    async def versions(self, name: str, limit: int) -> Versions:
        """The newest changes. Raises `not_found`."""

    async def report(self, name: str, limit: int) -> TaggerReport:
        """How good a tagger is on its own tracks. Raises `not_found`."""
