"""A way from one track to another in small steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sonotype.catalog.port import Candidates, Found
from sonotype.catalog.ranking.constraints import Member, within
from sonotype.catalog.ranking.path import Stop, Way, find_path
from sonotype.catalog.ranking.words import listed
from sonotype.catalog.track import Track
from sonotype.core.types import Floats
from sonotype.plane.catalog.check_query import check_path, checked_filter
from sonotype.plane.catalog.generations import Generations
from sonotype.plane.catalog.searching import Searching
from sonotype.plane.catalog.seeds import Seeds
from sonotype.plane.catalog.values import Match, Matches, PathQuery


class Path:
    """The use case of paths.

    Args:
        seeds: finds both ends.
        searching: finds what lies between.
        generations: where can be searched.
    """

    def __init__(self, seeds: Seeds, searching: Searching, generations: Generations) -> None:
        self._seeds = seeds
        self._searching = searching
        self._generations = generations

    async def find(self, query: PathQuery) -> Matches:
        """A way from one track to another: `similarity` is that to the track before, `score` that to the first."""
        check_path(query)
        where = checked_filter(query.where)
        names = self._generations.searchable(by_upload=False)
        ends, name, vectors = await self._seeds.resolve((query.start, query.end), names)
        where = within(where, query.constraints, ends[0].metadata)
        answers: list[Found] = []

        async def search(point: Floats, exclude: tuple[str, ...], count: int) -> Candidates:
            answers.append(await self._searching.search(point, count, where, exclude, name, exact=False))
            return answers[-1].candidates

        start, end = (Stop(Member.of(track), vectors[track.id]) for track in ends)
        way = await find_path(search, start, end, query.count, query.constraints)
        between = await self._searching.documents([stop.member.id for stop in way.stops[1:-1]])
        matches = _matches(way, {**between, **{track.id: track for track in ends}})
        return _answer(matches, name, answers, _short(way, query))


def _matches(way: Way, documents: Mapping[str, Track]) -> tuple[Match, ...]:
    known = [stop for stop in way.stops if stop.member.id in documents]
    return tuple(Match(documents[stop.member.id], stop.similarity, stop.score) for stop in known)


def _answer(matches: tuple[Match, ...], generation: str, answers: list[Found], short: str | None) -> Matches:
    empty = Matches(matches, generation, exact=False, degraded=False, hubness="none", short_because=short)
    exact = bool(answers) and all(found.exact for found in answers)
    return replace(empty, exact=exact, degraded=any(found.degraded for found in answers))


def _short(way: Way, query: PathQuery) -> str | None:
    """Why the way has fewer stops than asked for, if so."""
    if len(way.stops) >= query.count:
        return None
    found = f"Only {len(way.stops) - 2} of {query.count - 2} stops between the two were found"
    names = sorted(name for name, count in way.refused.items() if count)
    return f"{found}: {listed(names)} left no more." if names else f"{found}: no other track matches the filter."
