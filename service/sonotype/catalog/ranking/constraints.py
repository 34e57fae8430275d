"""What may still enter a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sonotype.catalog.keys import UNKNOWN, album_key, artist_key, recording_keys
from sonotype.catalog.port import Candidates, Keys, Range, TrackFilter
from sonotype.catalog.ranking.values import Constraints
from sonotype.catalog.track import Metadata, Track
from sonotype.core.errors import Code, SonotypeError

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Member:
    """What constraints need to know of a track that is in the list already.

    Attributes:
        id: of the track.
        artist: its key.
        album: its key.
        recording: keys of content hash, MBID and ISRC.
    """

    id: str
    artist: int
    album: int
    recording: tuple[int, int, int]

    @classmethod
    def of(cls, track: Track) -> Member:
        """The keys of a whole track."""
        data = track.metadata
        keys = recording_keys(track.content_sha256, data.mbid, data.isrc)
        return cls(track.id, artist_key(data), album_key(data), keys)

    @classmethod
    def at(cls, candidates: Candidates, row: int) -> Member:
        """One row of the candidates."""
        first, second, third = (int(key) for key in candidates.recording[row])
        artist, album = int(candidates.artist[row]), int(candidates.album[row])
        return cls(candidates.ids[row], artist, album, (first, second, third))


class Allowance:
    """Which candidates may still be taken; taking one may rule out others. Rows that are out never come back.

    Attributes:
        allowed: shape [n].
        refused: how many rows each constraint ruled out, by the constraint's name; a row counts once.
    """

    def __init__(self, candidates: Candidates, constraints: Constraints, heard: Iterable[Member] = ()) -> None:
        """Begin with `heard`, the seeds: they and their recordings are out, but their artists and albums are free."""
        self._of = candidates
        self._limits = constraints
        self._limited = constraints.hide_duplicates or constraints.max_per_artist or constraints.max_per_album
        self._artists: dict[int, int] = {}
        self._albums: dict[int, int] = {}
        self.allowed: Mask = np.ones(len(candidates.ids), np.bool_)
        self.refused: dict[str, int] = {}
        out = set(constraints.exclude)
        for member in heard:
            out.add(member.id)
            self._hide(member)
        self._refuse("exclude", np.fromiter((name in out for name in candidates.ids), np.bool_, len(candidates.ids)))

    def take(self, row: int) -> None:
        """Put a row in the list."""
        self.allowed[row] = False
        if self._limited:
            self.count(Member.at(self._of, row))

    def count(self, member: Member) -> None:
        """Note that a track is in the list, be it a candidate or not."""
        self._hide(member)
        limits, of = self._limits, self._of
        self._cap("max_per_artist", limits.max_per_artist, self._artists, member.artist, of.artist)
        self._cap("max_per_album", limits.max_per_album, self._albums, member.album, of.album)

    def _hide(self, member: Member) -> None:
        if self._limits.hide_duplicates:
            known = np.array(member.recording, np.uint64)
            self._refuse("hide_duplicates", ((self._of.recording == known) & (known != UNKNOWN)).any(axis=1))

    def _cap(self, name: str, most: int | None, seen: dict[int, int], key: int, keys: Keys) -> None:
        if most is None or key == UNKNOWN:
            return
        seen[key] = seen.get(key, 0) + 1
        if seen[key] >= most:
            self._refuse(name, keys == np.uint64(key))

    def _refuse(self, name: str, rows: Mask) -> None:
        hit = int(np.count_nonzero(self.allowed & rows))
        if hit:
            self.refused[name] = self.refused.get(name, 0) + hit
            self.allowed &= ~rows


def within(where: TrackFilter, constraints: Constraints, seed: Metadata | None) -> TrackFilter:
    """Narrow a filter by the relative windows of the constraints, so that the engine applies them.

    Args:
        where: the filter of the query.
        constraints: `tempo_within` and `duration_within` are read.
        seed: of the first positive seed that is a track; None where no seed is.

    Raises:
        SonotypeError: `invalid_request` where a window is asked for and the seed's value is not known.
    """
    tempo = _window("tempo", constraints.tempo_within, seed.tempo_bpm if seed else None, where.tempo_bpm)
    duration = _window("duration", constraints.duration_within, seed.duration_s if seed else None, where.duration_s)
    return replace(where, tempo_bpm=tempo, duration_s=duration)


def _window(name: str, share: float | None, value: float | None, given: Range | None) -> Range | None:
    if share is None:
        return given
    if value is None:
        raise SonotypeError(Code.INVALID_REQUEST, f"{name}_within needs a seed track whose {name} is known.")
    low, high = value * (1 - share), value * (1 + share)
    if given is not None:
        low = low if given.low is None else max(low, given.low)
        high = high if given.high is None else min(high, given.high)
    return Range(low, high)
