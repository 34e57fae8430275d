"""The gate's measures on decoders whose faults are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gate_kit import LABELS, Decoder, NearestJudge, Reader, head_of, points, written
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import recall_score

from prototype_models import make_card
from sonotype.evaluation.faithfulness import Trial, badges, null_other, ranks, seed_cosine, share
from sonotype.evaluation.listening import Heard, Listener, cosine, cosines
from sonotype.evaluation.sonifying import Stage, run_trial, silent_takes
from sonotype.evaluation.summary import Summary, bootstrap, interval, macro_recall, summarise
from sonotype.evaluation.thresholds import Measures, failures
from sonotype.models.heads.prototypes import PrototypeHead
from sonotype.models.heads.provenance import Badge


def measured(fault: str, per_class: int = 2, tries: int = 1) -> tuple[tuple[Badge, ...], Summary]:
    """Badges and summary of the prototypes, decoded with a fault."""
    head: PrototypeHead = head_of(lambda arrays: make_card(arrays, LABELS), per_class)
    raw = head.raw_prototypes()
    stage = Stage(Listener(head, Reader(), NearestJudge(head)), Decoder(raw, fault), seeds=(0, 1, 2), tries=tries)
    codec = [stage.hear(written(medoid)) for medoid in head.medoids]
    trial = run_trial(stage, "prototype", raw, codec, silent_takes(stage))
    found = badges(trial, head.arrays.prototypes.astype(np.float64), LABELS)
    return found, summarise(found, trial)


def test_a_perfect_decoder_passes_everything() -> None:
    found, summary = measured("none")
    assert all(badge.passed for badge in found)
    assert all(verdict.passed for verdict in summary.verdicts)
    assert summary.passed.value == 1.0
    assert summary.cosine.value > 0.99
    assert summary.retrieval.value == summary.reciprocal_rank.value == 1.0
    assert summary.certainty.value > 0.9
    assert [len(badge.scores) for badge in found] == [3] * 6


def test_of_several_tries_the_nearest_is_kept_and_said_to_be_so() -> None:
    (once, alone), (found, best) = measured("noisy"), measured("noisy", tries=6)
    assert best.cosine.value > alone.cosine.value
    assert ({badge.tries for badge in once}, {badge.tries for badge in found}) == ({1}, {6})
    assert all([score.noise for score in badge.scores] == [0, 1, 2] for badge in once)
    noises = [score.noise for badge in found for score in badge.scores]
    assert all(noise < 18 and noise % 3 == i % 3 for i, noise in enumerate(noises))
    head: PrototypeHead = head_of(lambda arrays: make_card(arrays, LABELS))
    raw = head.raw_prototypes()
    for j, badge in enumerate(found):
        for score in badge.scores:
            again = Reader().patches(next(Decoder(raw, "noisy").stream(raw[j], seed=score.noise)))
            assert cosine(head.normalise(again)[0], head.normalise(raw)[j]) == pytest.approx(score.cosine, abs=1e-6)


def test_sounds_of_other_classes_fail() -> None:
    found, summary = measured("shuffled")
    assert not any(badge.passed for badge in found)
    for badge in found:
        assert {"cosine", "retrieval", "classifier", "judge", "nulls"} <= set(badge.failed)
        # they are stable, though: every seed is wrong in the same way
        assert "seeds" not in badge.failed
    assert summary.classifier.value == summary.judge.value == 0.0


def test_silence_fails() -> None:
    found, summary = measured("silent")
    assert not any(badge.passed for badge in found)
    assert not all(verdict.passed for verdict in summary.verdicts)
    # all seeds agree on silence, which alone must not help
    assert all(badge.seeds == pytest.approx(1.0) for badge in found)


def test_noise_fails_on_its_seeds() -> None:
    found, _ = measured("noisy")
    assert all("seeds" in badge.failed for badge in found)


def test_one_sound_for_everything_does_not_beat_the_nulls() -> None:
    found, summary = measured("deaf")
    # it is the right sound for the first prototype, whose seeds, classes and rank are all in order
    assert found[0].classifier == found[0].judge == found[0].retrieval == 1.0
    assert found[0].failed == ("nulls",)
    assert not any(badge.passed for badge in found)
    assert summary.retrieval.value == pytest.approx(1 / 6)


def test_a_badge_reports_what_was_heard() -> None:
    badge = measured("none")[0][3]
    assert {score.classifier for score in badge.scores} == {score.judge for score in badge.scores} == {"organ"}
    assert badge.cosine == pytest.approx(np.mean([score.cosine for score in badge.scores]))
    assert badge.share == pytest.approx(badge.cosine / badge.ceiling)
    assert badge.null_other < 0.5 < badge.cosine


GOOD = {"cosine": 0.8, "share": 0.9, "retrieval": 1.0, "classifier": 1.0, "judge": 1.0, "seeds": 0.9}
NULLS = {"null_other": 0.1, "null_zero": 0.2}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ()),
        ({"share": 0.6, "retrieval": 0.5, "classifier": 0.9, "judge": 0.7, "seeds": 0.7}, ()),
        ({"share": 0.59}, ("cosine",)),
        ({"retrieval": 0.49}, ("retrieval",)),
        ({"classifier": 0.89}, ("classifier",)),
        ({"judge": 0.69}, ("judge",)),
        ({"seeds": 0.69}, ("seeds",)),
        ({"null_zero": 0.66}, ("nulls",)),
        ({"null_other": 0.66}, ("nulls",)),
        ({"seeds": math.nan, "cosine": math.nan}, ("seeds", "nulls")),
    ],
)
def test_thresholds(change: dict[str, float], expected: tuple[str, ...]) -> None:
    assert failures(Measures(**{**GOOD, **NULLS, **change})) == expected


def heard(*z: float) -> Heard:
    return Heard(np.array(z), np.zeros(2, np.float32), np.zeros(2, np.float32))


def test_cosines() -> None:
    assert cosine(np.array([1.0, 0.0]), np.array([2.0, 2.0])) == pytest.approx(math.sqrt(0.5))
    assert cosine(np.zeros(2), np.ones(2)) == 0.0
    grid = cosines(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 3.0], [5.0, 0.0]]))
    assert grid.tolist() == [[0.0, 1.0], [0.0, 0.0]]


def test_equal_candidates_share_the_better_rank() -> None:
    candidates = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
    assert ranks(np.array([1.0, 0.1]), candidates) == [1, 3, 1]


def test_share_of_a_ceiling_that_is_noise() -> None:
    assert share(0.4, 0.8) == pytest.approx(0.5)
    assert share(0.4, 0.01) == share(0.4, -0.5) == 0.0


def test_seed_cosine() -> None:
    assert seed_cosine([heard(1, 0), heard(0, 1), heard(1, 0)]) == pytest.approx(1 / 3)
    assert seed_cosine([heard(1, 0)]) == 1.0


def test_null_of_other_classes_in_closed_form() -> None:
    trial = Trial(
        targets=np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
        owners=np.array([0, 0, 1]),
        seeds=(0,),
        heard=[[heard(1, 0)], [heard(0, 1)], [heard(1, 1)]],
        codec=[],
        silent=[],
    )
    # of another class is the third alone, at 45 degrees
    assert null_other(trial, 0) == pytest.approx(math.sqrt(0.5))
    assert null_other(trial, 2) == pytest.approx(math.sqrt(0.5))
    alone = Trial(trial.targets[:2], trial.owners[:2], (0,), trial.heard[:2], [], [])
    assert null_other(alone, 0) == 0.0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
def test_intervals_hold_their_value(values: list[float]) -> None:
    found = interval(values)
    assert min(values) - 1e-9 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high + 1e-9 <= max(values) + 2e-9
    assert interval(values) == found


def test_an_interval_has_the_width_of_the_normal_law() -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=400)
    found = bootstrap(400, lambda chosen: float(values[chosen].mean()))
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1, max_size=20))
def test_macro_recall_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    truth, found = (np.array(column) for column in zip(*pairs, strict=True))
    expected = recall_score(truth, found, labels=np.unique(truth), average="macro", zero_division=0)
    assert macro_recall(truth, found) == pytest.approx(expected)


def test_points_are_far_apart() -> None:
    rows = points()
    assert np.linalg.norm(rows[0] - rows[1]) < np.linalg.norm(rows[0] - rows[2])
