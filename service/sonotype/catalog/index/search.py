"""How a search is done: by the graph where it can vouch for its answer, elsewhere by comparing with all allowed ones.

HNSW with a filter inside loses most neighbours where the filter goes with the vectors (one genre, one artist): the
paths of the graph lead to what is near, not to what is allowed. So the graph is asked for the nearest of all, as many
as are likely to hold enough allowed ones. If they do, these are the nearest allowed ones, as surely as the graph finds
neighbours at all; if not, we look further once, and then compare: with every allowed vector, or, where these are many,
with those in the cells around the query.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sonotype.catalog.index.contents import Contents
from sonotype.catalog.index.positions import Instant
from sonotype.catalog.index.segment import Ranked, top
from sonotype.catalog.index.strays import Strays
from sonotype.catalog.index.tail import Tail
from sonotype.catalog.index.values import Booleans, Hits, Integers, Tuning
from sonotype.core.types import Floats

_SURE = 2 / 3  # of the candidates of a search: the outermost ones are often not the next nearest

_SPARSE = 16  # positions for each allowed slot from which it is quicker to go from these slots to their positions
_MAPPED = 3  # times the cost of looking whether a position is allowed: of looking in which cell it is
_CELLS_PER_COUNT = 40  # allowed vectors compared for each one wanted, at least


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: the `count` nearest to `vector` among the allowed slots; `allowed=None` allows all."""

    vector: Floats
    count: int
    allowed: Booleans | None
    exact: bool

    def admits(self, slots: Integers) -> Booleans:
        """Which of the slots [n] are allowed."""
        if self.allowed is None:
            return np.ones(len(slots), np.bool_)
        if not len(self.allowed):
            return np.zeros(len(slots), np.bool_)
        admitted: Booleans = self.allowed.take(slots, mode="clip")
        return admitted & (slots < len(self.allowed))


def search(held: Contents, query: Query, tuning: Tuning) -> Hits:
    """Answer a query from the graph, or from all vectors, and the tail; nothing may be merged meanwhile."""
    now, exact = held.positions.now, False
    parts = None if query.exact else _by_graph(held, now, query, tuning)
    if parts is None:
        part, exact = _by_comparing(held, now, query, tuning)
        parts = [part]
    parts.append(_by_tail(held.tail, now, query))
    positions, similarity = (np.concatenate(column) for column in zip(*parts, strict=True))
    best = top(similarity, query.count)
    return Hits(now.slots[positions[best]], similarity[best], exact)


def _by_graph(held: Contents, now: Instant, query: Query, tuning: Tuning) -> list[Ranked] | None:
    """The nearest allowed ones, or None where comparing is cheaper or the only way to be sure."""
    if not held.segment.has_graph:
        return None
    total = len(held.segment)
    chosen = now.live if query.allowed is None else min(now.live, int(np.count_nonzero(query.allowed)))
    budget = _comparing_us(held, chosen, tuning)
    share = chosen / max(1, now.total)
    for _ in range(2):
        width = _width(query.count, share, tuning)
        if width >= total or width * tuning.candidate_us > budget:
            return None
        positions, similarity = held.segment.near(query.vector, width)
        good = _among(now, query, positions)
        sure = good[: int(_SURE * width)]
        if np.count_nonzero(sure) >= query.count:
            found = positions[good][: query.count], similarity[good][: query.count]
            return [found, _by_strays(held.strays, found[0], now, query)]
        share = np.count_nonzero(sure) / max(1, len(sure))  # around here
    return None


def _width(count: int, share: float, tuning: Tuning) -> int:
    """Candidates among which `count` are allowed but for bad luck (three deviations of a binomial), given the share."""
    if share <= 0:
        return np.iinfo(np.int64).max
    enough = (count + 3 * np.sqrt(count * (1 - min(1, share)))) / share
    return max(tuning.search_width, int(np.ceil(enough / _SURE)) + 1)


def _comparing_us(held: Contents, chosen: int, tuning: Tuning) -> float:
    """What `_by_comparing` costs with so many allowed ones."""
    total = min(len(held.segment), _SPARSE * chosen) * tuning.position_us
    if held.cells and chosen > tuning.cells_enough:
        return total + _MAPPED * chosen * tuning.position_us + tuning.cells_enough * tuning.comparison_us
    return total + chosen * tuning.comparison_us


def _by_comparing(held: Contents, now: Instant, query: Query, tuning: Tuning) -> tuple[Ranked, bool]:
    """The nearest of all allowed ones, or of those around the query where they are many; and whether it was all."""
    positions, exact = _positions(held, now, query), True
    if len(positions) == len(held.segment):
        return held.segment.scan(query.vector, query.count), True
    enough = max(tuning.cells_enough, _CELLS_PER_COUNT * query.count)
    if held.cells and not query.exact and len(positions) > enough:
        positions, exact = held.cells.around(query.vector, positions, enough), False
    return held.segment.scan(query.vector, query.count, positions), exact


def _positions(held: Contents, now: Instant, query: Query) -> Integers:
    """Where in the segment the alive and allowed ones are."""
    total, found = len(held.segment), None
    if query.allowed is not None and np.count_nonzero(query.allowed) * _SPARSE < total:
        found = held.positions.among(now, query.allowed, total)
    return np.flatnonzero(_among(now, query, slice(total))) if found is None else found


def _by_strays(strays: Strays, found: Integers, now: Instant, query: Query) -> Ranked:
    """Those that the graph did not find."""
    wanted = _among(now, query, strays.positions) & ~np.isin(strays.positions, found)
    return strays.positions[wanted], strays.vectors[wanted] @ query.vector


def _by_tail(tail: Tail, now: Instant, query: Query) -> Ranked:
    count = now.total - tail.start
    similarity = tail.first(count) @ query.vector
    among = np.flatnonzero(_among(now, query, slice(tail.start, now.total)))
    best = among[top(similarity[among], query.count)]
    return best + tail.start, similarity[best]


def _among(now: Instant, query: Query, positions: Integers | slice) -> Booleans:
    """Which of the positions [n] are alive and allowed."""
    return now.alive(positions) & query.admits(now.slots[positions])
