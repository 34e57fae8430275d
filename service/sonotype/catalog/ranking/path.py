"""A way from one track to another in small steps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sonotype.catalog.port import Candidates
from sonotype.catalog.ranking.constraints import Allowance, Member
from sonotype.catalog.ranking.values import Constraints
from sonotype.catalog.vectors import unit
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats

Search = Callable[[Floats, tuple[str, ...], int], Awaitable[Candidates]]
"""`search(vector, exclude, count)`: the tracks nearest to a vector [D], without those excluded."""

FETCH, GROWTH, MOST = 24, 4, 2_000


@dataclass(frozen=True, slots=True)
class Stop:
    """A track on the way.

    Attributes:
        member: it.
        vector: its unit vector, shape [D].
        similarity: cosine to the stop before it; 1 for the first.
        score: cosine to the first stop; 1 for that.
    """

    member: Member
    vector: Floats
    similarity: float = 1.0
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Way:
    """Stops from start to end, and what the constraints refused if there are fewer than asked for."""

    stops: tuple[Stop, ...]
    refused: Mapping[str, int]


async def find_path(search: Search, start: Stop, end: Stop, count: int, constraints: Constraints) -> Way:
    """Stops at the unused tracks nearest to points at equal angles on the arc between two tracks.

    The same catalogue gives the same way. A waypoint for which no track is left is passed over.

    Args:
        search: how to ask the engine; the filter is its business.
        start: the first stop.
        end: the last.
        count: how many stops, both ends included.
        constraints: what the way keeps to; the ends count.

    Raises:
        SonotypeError: `invalid_request` for a count below 2 or one track at both ends; what `search` raises.
    """
    if count < 2 or start.member.id == end.member.id:
        raise SonotypeError(Code.INVALID_REQUEST, "A path needs two different tracks and a count of at least 2.")
    between: list[Stop] = []
    refused: dict[str, int] = {}
    for point in waypoints(start.vector, end.vector, count)[1:-1]:
        taken = [start.member, end.member, *(stop.member for stop in between)]
        stop, why_not = await _nearest(search, point, taken, constraints)
        if stop is None:
            refused |= {name: max(refused.get(name, 0), number) for name, number in why_not.items()}
        else:
            between.append(stop)
    return Way(_chain([start, *between, end]), refused)


def waypoints(start: Floats, end: Floats, count: int) -> Floats:
    """Points at equal angles on the great circle (spherical linear interpolation, Shoemake, SIGGRAPH 1985).

    Args:
        start: unit vector, shape [D], D >= 2.
        end: the same; where it is opposite to `start`, one of the shortest ways is taken, always the same.
        count: at least 2.

    Returns:
        Unit vectors, shape [count, D], the first is `start` and the last `end`.
    """
    a, b = unit(start).astype(np.float64), unit(end).astype(np.float64)
    cosine = float(a @ b)
    across = b - cosine * a
    sine = float(np.linalg.norm(across))
    if sine < 1e-6:
        across = np.eye(len(a))[int(np.argmin(np.abs(a)))]
        across -= (across @ a) * a
    across /= np.linalg.norm(across)
    angles = np.linspace(0.0, np.arctan2(sine, cosine), count)[:, None]
    return (np.cos(angles) * a + np.sin(angles) * across).astype(np.float32)


async def _nearest(
    search: Search, point: Floats, taken: list[Member], constraints: Constraints
) -> tuple[Stop | None, dict[str, int]]:
    exclude = tuple(member.id for member in taken) + constraints.exclude
    asked = FETCH
    while True:
        found = await search(point, exclude, asked)
        allowance = Allowance(found, constraints, taken)
        for member in taken:
            allowance.count(member)
        rows = np.flatnonzero(allowance.allowed)
        if len(rows):
            row = min(rows.tolist(), key=lambda at: (-float(found.similarity[at]), found.ids[at]))
            return Stop(Member.at(found, row), found.vectors[row]), {}
        if len(found.ids) < asked or asked >= MOST:
            return None, allowance.refused
        asked = min(asked * GROWTH, MOST)


def _chain(stops: list[Stop]) -> tuple[Stop, ...]:
    cosines = [1.0, *(float(a.vector @ b.vector) for a, b in pairwise(stops))]
    scores = [1.0, *(float(stops[0].vector @ stop.vector) for stop in stops[1:])]
    values = zip(stops, cosines, scores, strict=True)
    return tuple(Stop(stop.member, stop.vector, cosine, score) for stop, cosine, score in values)
