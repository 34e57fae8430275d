"""The order of playlists."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from ranking_kit import units

from sonotype.catalog.ranking.order import arrange

ORDERS = st.sampled_from(["similarity", "smooth", "random"])
ARTISTS = st.lists(st.integers(0, 4), min_size=0, max_size=30)


def ids(count: int) -> list[str]:
    return [f"t{row:03d}" for row in range(count)]


def gaps(artists: list[int]) -> list[int]:
    last: dict[int, int] = {}
    found = []
    for at, key in enumerate(artists):
        if key and key in last:
            found.append(at - last[key] - 1)
        last[key] = at
    return found


@given(ARTISTS, ORDERS, st.integers(0, 5), st.integers(-5, 5))
def test_it_is_a_permutation_and_deterministic(artists: list[int], order: str, gap: int, seed: int) -> None:
    n = len(artists)
    first, again = (arrange(ids(n), units(n), artists, order=order, artist_gap=gap, random_seed=seed) for _ in range(2))
    assert sorted(first) == list(range(n))
    assert first == again


@given(st.lists(st.integers(1, 3), min_size=2, max_size=4), ORDERS, st.integers(0, 3))
def test_the_gap_is_kept_where_there_are_enough_others(counts: list[int], order: str, gap: int) -> None:
    singles = max(counts) * (gap + 1) * len(counts)
    artists = [key + 1 for key, count in enumerate(counts) for _ in range(count)] + list(range(100, 100 + singles))
    rows = arrange(ids(len(artists)), units(len(artists)), artists, order=order, artist_gap=gap)
    assert min(gaps([artists[row] for row in rows]), default=gap) >= gap


def test_an_artist_with_half_of_the_tracks_is_spread_over_the_whole_list() -> None:
    artists = [2, 3, 4, 1, 1, 1, 1]
    rows = arrange(ids(7), units(7), artists, order="similarity", artist_gap=1)
    assert [artists[row] for row in rows] == [1, 2, 1, 3, 1, 4, 1]


def test_where_there_are_too_few_others_the_longest_rested_comes() -> None:
    rows = arrange(ids(4), units(4), [1, 1, 2, 2], order="similarity", artist_gap=3)
    assert rows == [0, 2, 1, 3]


def test_tracks_before_the_list_count() -> None:
    assert arrange(ids(2), units(2), [1, 2], order="similarity", artist_gap=1, before=[1]) == [1, 0]


def test_the_order_given_is_kept_without_a_gap() -> None:
    assert arrange(ids(5), units(5), [1] * 5, order="similarity") == [0, 1, 2, 3, 4]


def test_smooth_goes_to_the_nearest_next() -> None:
    angles = np.array([0.0, 1.0, 0.2, 0.8, 0.5])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert arrange(ids(5), vectors, [0] * 5, order="smooth") == [0, 2, 4, 3, 1]
    assert arrange(ids(5), vectors, [0] * 5, order="smooth", start=vectors[1]) == [1, 3, 4, 2, 0]


@given(st.permutations(range(12)), st.integers(0, 1000))
def test_a_random_order_depends_on_the_seed_and_the_tracks_only(order: list[int], seed: int) -> None:
    names, vectors, artists = ids(12), units(12), [1, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9]
    expected = [names[row] for row in arrange(names, vectors, artists, order="random", random_seed=seed, artist_gap=1)]
    mixed = [names[row] for row in order]
    rows = arrange(mixed, vectors[order], [artists[r] for r in order], order="random", random_seed=seed, artist_gap=1)
    assert [mixed[row] for row in rows] == expected
    others = {tuple(arrange(names, vectors, artists, order="random", random_seed=other)) for other in range(5)}
    assert len(others) == 5
