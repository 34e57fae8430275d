"""Seeds become one vector."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ranking_kit import units

from sonotype.catalog.ranking.mixing import direction, mix
from sonotype.core.errors import Code, SonotypeError

A, B = units(2)


def test_one_seed_is_its_own_direction_whatever_its_length_and_weight() -> None:
    np.testing.assert_allclose(mix([A * 7], [0.3]), A, atol=1e-6)


def test_a_negative_seed_moves_away() -> None:
    assert mix([A, B], [1, -0.5]) @ B < A @ B < mix([A, B], [1, 0.5]) @ B


@given(st.permutations(range(5)), st.floats(0.01, 100), st.integers(0, 99))
def test_order_of_seeds_and_scale_of_weights_do_not_matter(order: list[int], scale: float, seed: int) -> None:
    vectors, weights = units(5, seed=seed), np.array([1, 0.5, -0.3, 2, 0.1])
    mixed = mix(list(vectors), weights.tolist())
    np.testing.assert_allclose(mix(list(vectors[order]), (scale * weights[order]).tolist()), mixed, atol=1e-6)
    assert np.linalg.norm(mixed) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("vectors", "weights", "says"),
    [
        ([], [], "positive weight"),
        ([A], [0.0], "positive weight"),
        ([A, B], [-1, -2], "positive weight"),
        ([A], [np.nan], "finite"),
        ([A], [np.inf], "finite"),
        ([A, A * 3], [1, -1], "cancel"),
        ([A, np.zeros_like(A)], [1, 1], "zero"),
        ([A * np.nan], [1], "must be finite"),
    ],
)
def test_queries_without_a_direction_are_refused(vectors: list, weights: list[float], says: str) -> None:
    with pytest.raises(SonotypeError, match=says) as error:
        mix(vectors, weights)
    assert error.value.code is Code.INVALID_REQUEST


def test_the_direction_of_a_tag_leads_from_the_centre_to_its_carriers() -> None:
    every = units(200)
    carriers = every[every[:, 0] > 0.5]
    towards = direction(carriers, every.mean(axis=0))
    assert (carriers @ towards).mean() > (every @ towards).mean() + 0.3


@pytest.mark.parametrize(("carriers", "says"), [(units(0), "No track"), (units(9), "apart")])
def test_a_tag_of_nobody_or_of_everybody_has_no_direction(carriers: np.ndarray, says: str) -> None:
    with pytest.raises(SonotypeError, match=says):
        direction(carriers, units(9).mean(axis=0))
