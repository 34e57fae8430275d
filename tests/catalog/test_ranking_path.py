"""Ways from one track to another."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ranking_kit import candidates, pick, units

from sonotype.catalog.port import Candidates
from sonotype.catalog.ranking.constraints import Member
from sonotype.catalog.ranking.path import Search, Stop, Way, find_path, waypoints
from sonotype.catalog.ranking.values import Constraints
from sonotype.core.errors import SonotypeError
from sonotype.core.types import Floats


def engine(vectors: Floats, artists: list[int], asked: list[int] | None = None) -> Search:
    async def search(vector: Floats, exclude: tuple[str, ...], count: int) -> Candidates:
        if asked is not None:
            asked.append(count)
        found = candidates(vectors, vector, artist=artists)
        left = [row for row, name in enumerate(found.ids) if name not in exclude]
        return pick(found, np.array(left[:count], np.int64))

    return search


def stop(vectors: Floats, row: int, artist: int = 0) -> Stop:
    return Stop(Member(f"t{row:03d}", artist, 0, (0, 0, 0)), vectors[row])


def names(way: Way) -> list[str]:
    return [one.member.id for one in way.stops]


@given(st.integers(2, 30), st.integers(0, 1000))
def test_waypoints_are_unit_vectors_at_equal_angles(count: int, seed: int) -> None:
    a, b = units(2, seed=seed)
    points = waypoints(a, b, count)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(points[[0, -1]], [a, b], atol=1e-6)
    cosines = (points[1:] * points[:-1]).sum(axis=1)
    np.testing.assert_allclose(cosines, cosines[0], atol=1e-6)
    np.testing.assert_allclose(waypoints(b, a, count)[::-1], points, atol=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_waypoints_between_equal_and_opposite_vectors_are_finite(sign: int) -> None:
    (a,) = units(1)
    points = waypoints(a, sign * a, 5)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(points[[0, -1]], [a, sign * a], atol=1e-5)


@settings(max_examples=25)
@given(st.integers(2, 12), st.integers(0, 50), st.none() | st.integers(1, 2))
async def test_a_way_has_both_ends_repeats_nothing_and_keeps_to_the_constraints(
    count: int, seed: int, most: int | None
) -> None:
    vectors = units(80, seed=seed)
    artists = np.random.default_rng(seed).integers(1, 12, 80).tolist()
    ends = stop(vectors, 3, artists[3]), stop(vectors, 40, 99)
    limits = Constraints(max_per_artist=most)
    way = await find_path(engine(vectors, artists), *ends, count, limits)
    again = await find_path(engine(vectors, artists), *ends, count, limits)
    assert (names(way)[0], names(way)[-1]) == ("t003", "t040")
    assert names(way) == names(again)
    assert len(set(names(way))) == len(way.stops) <= count
    counts = Counter(one.member.artist for one in way.stops)
    assert most is None or max(counts.values()) <= most
    assert len(way.stops) == count or way.refused
    for one, after in zip(way.stops, way.stops[1:], strict=False):
        assert after.similarity == pytest.approx(float(one.vector @ after.vector), abs=1e-6)
        assert after.score == pytest.approx(float(way.stops[0].vector @ after.vector), abs=1e-6)


async def test_a_way_follows_the_arc() -> None:
    angles = np.linspace(0, 1.2, 13)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    way = await find_path(engine(vectors, [0] * 13), stop(vectors, 0), stop(vectors, 12), 5, Constraints())
    assert names(way) == ["t000", "t003", "t006", "t009", "t012"]


async def test_more_is_asked_for_where_constraints_leave_nothing() -> None:
    vectors, asked = units(200), []
    artists = [1] * 199 + [2]
    way = await find_path(
        engine(vectors, artists, asked), stop(vectors, 0, 1), stop(vectors, 1, 3), 3, Constraints(max_per_artist=1)
    )
    assert names(way)[1] == "t199"
    assert asked == sorted(set(asked))
    assert len(asked) > 1


async def test_a_way_that_is_too_short_says_what_refused() -> None:
    vectors = units(5)
    limits = Constraints(max_per_artist=1)
    way = await find_path(engine(vectors, [1] * 5), stop(vectors, 0, 1), stop(vectors, 1, 1), 4, limits)
    assert names(way) == ["t000", "t001"]
    assert way.refused == {"max_per_artist": 3}


@pytest.mark.parametrize(("end", "count"), [(0, 5), (1, 1)])
async def test_a_way_needs_two_ends(end: int, count: int) -> None:
    vectors = units(5)
    with pytest.raises(SonotypeError, match="two different tracks"):
        await find_path(engine(vectors, [0] * 5), stop(vectors, 0), stop(vectors, end), count, Constraints())
