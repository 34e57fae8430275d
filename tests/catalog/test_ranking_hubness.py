"""Mutual proximity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ranking_kit import candidates, crowds, units
from scipy.special import log_ndtr

from sonotype.catalog.ranking.hubness import MIN_SAMPLE, log_mutual_proximity, statistics
from sonotype.catalog.ranking.rank import score

COSINE = st.floats(-1, 1)
MEAN, STD = st.floats(-0.5, 0.9), st.floats(0, 0.5)


def log_mp(cosine: float, *ends: float) -> float:
    return float(log_mutual_proximity(*(np.array([value]) for value in (cosine, *ends)))[0])


@given(COSINE, MEAN, STD, MEAN, STD)
def test_it_is_symmetric_and_a_probability(s: float, mx: float, sx: float, my: float, sy: float) -> None:
    value = log_mp(s, mx, sx, my, sy)
    assert value == log_mp(s, my, sy, mx, sx)
    assert -np.inf < value <= 0


@given(st.lists(COSINE, min_size=2, max_size=9), st.tuples(MEAN, STD, MEAN, STD))
def test_it_grows_with_the_cosine(cosines: list[float], ends: tuple[float, ...]) -> None:
    values = [log_mp(cosine, *ends) for cosine in sorted(cosines)]
    assert values == sorted(values)


def test_it_tells_near_duplicates_apart_where_the_probability_rounds_to_one() -> None:
    near, nearer = log_mp(0.98, 0.2, 0.06, 0.2, 0.06), log_mp(0.99, 0.2, 0.06, 0.2, 0.06)
    assert np.exp(near) == np.exp(nearer) == 1
    assert near < nearer < 0


def test_it_is_the_normal_distribution_far_into_both_tails() -> None:
    z = np.concatenate([-np.logspace(-3, 6, 400), np.logspace(-3, np.log10(37), 200)])
    ours = log_mutual_proximity(z, np.zeros(1), np.ones(1), np.full(1, -1e9), np.ones(1))
    np.testing.assert_allclose(ours, log_ndtr(z), rtol=1e-9)


def test_statistics_are_those_of_the_cosines() -> None:
    vectors, sample = units(5), units(300, seed=1)
    mean, std = statistics(vectors, sample)
    np.testing.assert_allclose(mean, (vectors @ sample.T).mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(std, (vectors @ sample.T).std(axis=1), atol=1e-6)
    assert not statistics(vectors, sample[:0])[1].any()


def test_of_two_tracks_at_one_cosine_the_one_that_is_near_to_everything_falls_behind() -> None:
    every = units(400, 16)
    found = candidates(every[1:3], every[0], ids=["a hub", "another"])
    mean, std = np.array([0.6, 0.1], np.float32), np.full(2, 0.2, np.float32)
    found = replace(found, similarity=np.full(2, 0.7, np.float32), neighbour_mean=mean, neighbour_std=std)
    assert score(found, every[0], every, "none").order.tolist() == [0, 1]
    assert score(found, every[0], every, "mutual_proximity").order.tolist() == [1, 0]


@given(crowds())
def test_scores_lie_between_zero_and_one_or_are_cosines(crowd: tuple) -> None:
    found, query, sample = crowd
    scores = score(found, query, sample, "mutual_proximity")
    assert scores.hubness == ("mutual_proximity" if len(sample) >= MIN_SAMPLE else "none")
    if scores.hubness == "none":
        np.testing.assert_array_equal(scores.value, found.similarity)
    else:
        assert ((scores.value >= 0) & (scores.value <= 1)).all()


def test_a_small_sample_corrects_nothing() -> None:
    every = units(MIN_SAMPLE - 1)
    found = candidates(every[1:], every[0], sample=every)
    assert score(found, every[0], every, "mutual_proximity").hubness == "none"


def test_tracks_stored_before_there_was_a_sample_get_their_statistics_when_ranked() -> None:
    every = units(300)
    found = candidates(every[1:50], every[0], sample=every)
    early = candidates(every[1:50], every[0])
    assert not early.neighbour_std.any()
    expected = score(found, every[0], every, "mutual_proximity")
    np.testing.assert_allclose(score(early, every[0], every, "mutual_proximity").value, expected.value, rtol=1e-5)
    assert not early.neighbour_std.any()
    assert expected.value.max() == pytest.approx(expected.value[expected.order[0]])
