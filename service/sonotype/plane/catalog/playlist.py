"""An ordered list that begins near the seeds and flows."""

from __future__ import annotations

from collections.abc import Sequence

from sonotype.catalog.ranking.constraints import within
from sonotype.catalog.ranking.order import arrange
from sonotype.catalog.track import Track
from sonotype.plane.catalog.aim import Aim, SeedTrack
from sonotype.plane.catalog.check_query import check_playlist, checked_filter
from sonotype.plane.catalog.searching import Picked, Searching, Wish
from sonotype.plane.catalog.seeds import Seeds
from sonotype.plane.catalog.similar import match_at, matches_of
from sonotype.plane.catalog.values import Match, Matches, PlaylistQuery
from sonotype.plane.query import AnalyzeQuery


class Playlist:
    """The use case of playlists.

    Args:
        seeds: from seeds to a vector.
        searching: from a vector to tracks.
    """

    def __init__(self, seeds: Seeds, searching: Searching) -> None:
        self._seeds = seeds
        self._searching = searching

    async def make(self, query: PlaylistQuery) -> Matches:
        """An ordered list of tracks. Raises `SonotypeError`."""
        check_playlist(query)
        where = checked_filter(query.where)
        aim = await self._seeds.aim(query.seeds, None, AnalyzeQuery(client=query.client))
        opening = _opening(aim, query)
        wish = Wish(
            k=query.count - len(opening),
            where=within(where, query.constraints, aim.metadata),
            constraints=query.constraints,
            diversity=query.diversity,
            listed=tuple(seed.member for seed in opening),
        )
        picked = await self._searching.pick(aim, wish)
        documents = await self._searching.documents(picked.ids)
        rows = _order(picked, aim, opening, query)
        followers = [(row, documents.get(picked.candidates.ids[row])) for row in rows]
        return matches_of(picked, (*_seed_matches(aim, opening), *_matches(picked, followers)))


def _opening(aim: Aim, query: PlaylistQuery) -> tuple[SeedTrack, ...]:
    """The seed tracks that the list begins with, each once."""
    if not query.include_seeds:
        return ()
    return tuple({seed.track.id: seed for seed in aim.wanted}.values())[: query.count]


def _order(picked: Picked, aim: Aim, opening: Sequence[SeedTrack], query: PlaylistQuery) -> list[int]:
    rows = picked.ranked.rows
    order = arrange(
        picked.ids,
        picked.candidates.vectors[rows],
        [int(key) for key in picked.candidates.artist[rows]],
        order=query.order,
        artist_gap=query.artist_gap,
        start=opening[-1].vector if opening else aim.vector,
        before=[seed.member.artist for seed in opening],
        random_seed=query.random_seed,
    )
    return [int(rows[at]) for at in order]


def _seed_matches(aim: Aim, opening: Sequence[SeedTrack]) -> list[Match]:
    cosines = [float(seed.vector @ aim.vector) for seed in opening]
    return [Match(seed.track, cosine, cosine) for seed, cosine in zip(opening, cosines, strict=True)]


def _matches(picked: Picked, followers: Sequence[tuple[int, Track | None]]) -> list[Match]:
    return [match_at(picked, row, track) for row, track in followers if track is not None]
