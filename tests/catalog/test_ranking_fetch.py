"""How many candidates, and what is said when they were too few."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonotype.catalog.ranking.fetch import FACTOR, LEAST, MOST, first_fetch, next_fetch, short_because
from sonotype.catalog.ranking.values import Constraints


def test_a_plain_query_fetches_what_it_returns() -> None:
    assert first_fetch(10, Constraints(exclude=("a",), tempo_within=0.1)) == 10


@pytest.mark.parametrize(
    ("constraints", "diversity", "hubness"),
    [
        (Constraints(max_per_artist=2), 0, "none"),
        (Constraints(max_per_album=2), 0, "none"),
        (Constraints(hide_duplicates=True), 0, "none"),
        (Constraints(), 0.1, "none"),
        (Constraints(), 0, "mutual_proximity"),
    ],
)
def test_ranking_has_a_choice(constraints: Constraints, diversity: float, hubness: str) -> None:
    assert first_fetch(1, constraints, diversity, hubness) == LEAST
    assert first_fetch(500, constraints, diversity, hubness) == FACTOR * 500


@given(st.integers(1, 500), st.integers(1, MOST))
def test_fetching_ends(k: int, asked: int) -> None:
    steps = 0
    while (more := next_fetch(asked, asked, 0, k)) is not None:
        assert asked < more <= MOST
        asked, steps = more, steps + 1
    assert steps <= 8


def test_no_more_is_fetched_where_there_is_enough_or_no_more() -> None:
    assert next_fetch(100, 100, 10, 10) is None
    assert next_fetch(100, 99, 3, 10) is None


@pytest.mark.parametrize(
    ("chosen", "came", "refused", "says"),
    [
        (10, 100, {"exclude": 3}, None),
        (0, 0, {}, "No other track matches the filter."),
        (1, 1, {}, "Only 1 other track matches the filter."),
        (
            4,
            9,
            {"max_per_artist": 3, "hide_duplicates": 2},
            "Only 9 other tracks match the filter; of them 2 are duplicates of a recording and 3 would exceed"
            " max_per_artist.",
        ),
        (
            1,
            MOST,
            {"max_per_album": MOST - 1},
            f"Only {MOST} tracks were compared; of them {MOST - 1} would exceed max_per_album.",
        ),
    ],
)
def test_short_lists_say_why(chosen: int, came: int, refused: dict[str, int], says: str | None) -> None:
    assert short_because(10, chosen, came, refused) == says
