"""How a search is done: by the graph where it can vouch for its answer, elsewhere by comparing with all allowed ones.

HNSW with a filter inside loses most neighbours where the filter goes with the vectors (one genre, one artist): the
paths of the graph lead to what is near, not to what is allowed. So the graph is asked for the nearest of all, as many
as are likely to hold enough allowed ones. If they do, these are the nearest allowed ones, as surely as the graph finds
neighbours at all; if not, we look further once, and then compare with every allowed vector.
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

_BEYOND_COUNT = 1.5  # candidates per neighbour wanted: the last ones that a search of its own width finds are unsure


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
    now, segment = held.positions.now, held.segment
    parts = None
    if segment.has_graph and not query.exact:
        parts = _by_graph(held, now, query, tuning)
    exact = parts is None
    if parts is None:
        parts = [segment.scan(query.vector, query.count, _among(now, query, slice(len(segment))))]
    parts.append(_by_tail(held.tail, now, query))
    positions, similarity = (np.concatenate(column) for column in zip(*parts, strict=True))
    best = top(similarity, query.count)
    return Hits(now.slots[positions[best]], similarity[best], exact)


def _by_graph(held: Contents, now: Instant, query: Query, tuning: Tuning) -> list[Ranked] | None:
    """The nearest allowed ones, or None where comparing is cheaper or the only way to be sure."""
    total = len(held.segment)
    chosen = now.live if query.allowed is None else min(now.live, int(np.count_nonzero(query.allowed)))
    budget = total * tuning.position_us + chosen * tuning.comparison_us
    share = chosen / max(1, now.total)
    for _ in range(2):
        width = _width(query.count, share, tuning)
        if width >= total or width * tuning.candidate_us > budget:
            return None
        positions, similarity = held.segment.near(query.vector, width)
        good = _among(now, query, positions)
        if np.count_nonzero(good) >= query.count:
            found = positions[good][: query.count], similarity[good][: query.count]
            return [found, _by_strays(held.strays, found[0], now, query)]
        share = np.count_nonzero(good) / (2 * width)  # the share around here, with a reserve
    return None


def _width(count: int, share: float, tuning: Tuning) -> int:
    """Candidates among which `count` are allowed but for bad luck (three deviations of a binomial), given the share."""
    if share <= 0:
        return np.iinfo(np.int64).max
    enough = (count + 3 * np.sqrt(count * (1 - min(1, share)))) / share
    return max(tuning.search_width, int(np.ceil(max(enough, _BEYOND_COUNT * count))))


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
