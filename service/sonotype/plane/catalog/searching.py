"""Search the engine and rank what comes, as often as it takes to fill the list."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sonotype.catalog.port import EVERYTHING, Candidates, Catalog, Found, TrackFilter
from sonotype.catalog.ranking.constraints import Member
from sonotype.catalog.ranking.fetch import first_fetch, next_fetch, short_because
from sonotype.catalog.ranking.rank import Ranked, rank
from sonotype.catalog.ranking.values import Constraints, Hubness
from sonotype.catalog.track import Track
from sonotype.core.types import Floats
from sonotype.plane.catalog.aim import Aim
from sonotype.telemetry import metrics

_MANY = 400
"""From so many candidates on, ranking takes milliseconds and leaves the event loop."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a list of tracks should be like.

    Attributes:
        k: how many.
        where: filter on metadata.
        constraints: what the list keeps to.
        diversity: 0…1.
        hubness: the correction wanted.
        exact: compare with every track.
        listed: tracks that stand in the list already.
    """

    k: int
    where: TrackFilter = EVERYTHING
    constraints: Constraints = field(default_factory=Constraints)
    diversity: float = 0.0
    hubness: Hubness = "mutual_proximity"
    exact: bool = False
    listed: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Picked:
    """Candidates, and those of them that were chosen.

    Attributes:
        found: what the engine said last.
        ranked: rows of it, best first.
        short_because: why there are fewer than wanted, if so.
    """

    found: Found
    ranked: Ranked
    short_because: str | None

    @property
    def candidates(self) -> Candidates:
        """All of them."""
        return self.found.candidates

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the chosen ones, best first."""
        return tuple(self.candidates.ids[row] for row in self.ranked.rows)


class Searching:
    """Finds what fits a wish.

    Args:
        catalog: the engine.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def pick(self, aim: Aim, wish: Wish) -> Picked:
        """The best tracks; asks for more candidates while constraints leave too few. Raises what the engine raises."""
        exclude = (*aim.ids, *wish.constraints.exclude)
        count = first_fetch(wish.k, wish.constraints, wish.diversity, wish.hubness)
        while True:
            found = await self.search(aim.vector, count, wish.where, exclude, aim.generation, exact=wish.exact)
            ranked = await _rank(found, aim, wish)
            came, chosen = len(found.candidates.ids), len(ranked.rows)
            more = next_fetch(count, came, chosen, wish.k)
            if more is None:
                return Picked(found, ranked, short_because(wish.k, chosen, came, ranked.refused))
            count = more

    async def search(
        self, vector: Floats, count: int, where: TrackFilter, exclude: Sequence[str], generation: str, *, exact: bool
    ) -> Found:
        """One search of the engine, timed."""
        kind = "exact" if exact else "plain" if where == EVERYTHING else "filtered"
        with metrics.CATALOG_SEARCH_SECONDS.labels(kind).time():
            return await self._catalog.search(
                vector, count, where=where, exclude=exclude, generation=generation, exact=exact
            )

    async def documents(self, ids: Sequence[str]) -> dict[str, Track]:
        """Tracks by id; one that was deleted meanwhile is not among them."""
        return {track.id: track for track in await self._catalog.get_many(ids)} if ids else {}


async def _rank(found: Found, aim: Aim, wish: Wish) -> Ranked:
    work: Callable[[], Ranked] = lambda: rank(  # noqa: E731
        found.candidates,
        aim.vector,
        found.sample,
        wish.k,
        constraints=wish.constraints,
        diversity=wish.diversity,
        hubness=wish.hubness,
        heard=aim.members,
        listed=wish.listed,
    )
    return work() if len(found.candidates.ids) < _MANY else await asyncio.to_thread(work)
