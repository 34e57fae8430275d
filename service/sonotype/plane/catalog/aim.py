"""What a query looks for."""

from __future__ import annotations

from dataclasses import dataclass

from sonotype.catalog.ranking.constraints import Member
from sonotype.catalog.track import Metadata, Track
from sonotype.core.types import Floats


@dataclass(frozen=True, slots=True)
class SeedTrack:
    """A seed that is a track.

    Attributes:
        track: it.
        vector: of unit length, shape [D].
        weight: of the seed.
    """

    track: Track
    vector: Floats
    weight: float

    @property
    def member(self) -> Member:
        """What constraints need to know of it."""
        return Member.of(self.track)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a query looks for.

    Attributes:
        vector: of unit length, shape [D].
        generation: name of the generation to search in.
        tracks: the seeds that are tracks, in their order.
    """

    vector: Floats
    generation: str
    tracks: tuple[SeedTrack, ...]

    @property
    def wanted(self) -> tuple[SeedTrack, ...]:
        """Those that the answer should be like."""
        return tuple(seed for seed in self.tracks if seed.weight > 0)

    @property
    def metadata(self) -> Metadata | None:
        """That of the first of them: what `tempo_within` and `duration_within` are relative to."""
        return self.wanted[0].track.metadata if self.wanted else None

    @property
    def ids(self) -> tuple[str, ...]:
        """The seeds never come."""
        return tuple(seed.track.id for seed in self.tracks)

    @property
    def members(self) -> tuple[Member, ...]:
        """The same, for constraints."""
        return tuple(seed.member for seed in self.tracks)
