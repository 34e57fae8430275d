"""The bench of corrections runs on small data, and says what it should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from bench.prototype_generation.mulan import Corpus
from bench.tagger_feedback.cost import cost
from bench.tagger_feedback.run import summary
from bench.tagger_feedback.worth import CORRECTIONS, case, worth


def corpus() -> Corpus:
    random = np.random.default_rng(0)
    kind = random.integers(4, size=240)
    x = np.eye(4, 6)[kind] * 5 + random.normal(size=(240, 6))
    y = np.stack([kind == 0, kind < 2, kind == 3], axis=1)
    return Corpus("small", x[:180], y[:180], x[180:], y[180:])


def test_corrections_are_timed_and_replayed(tmp_path: Path) -> None:
    found = cost(prototypes=20, dim=8, labels=3, corrections=30, where=tmp_path)
    assert found["replay_equals_bit_for_bit"]
    assert found["wall_ms"]["max"] >= found["wall_ms"]["median"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_case_knows_nothing_of_new_tracks_and_corrects_with_the_truth() -> None:
    given = case(corpus(), seed=1)
    assert (given.said[given.n :] == 0).all()
    assert 0 < len(given.corrections) <= CORRECTIONS
    rows, columns = given.corrections.T
    assert (given.learnt[rows, columns] == given.truth[rows, columns]).all()
    known = rows < given.n
    assert (given.said[rows[known], columns[known]] != given.truth[rows[known], columns[known]]).all()


def test_corrections_are_worth_something() -> None:
    told = summary([worth(corpus(), 0.1, seed) for seed in (0, 1)])
    assert told["map_after"] > 0.5
    assert {peer["name"] for peer in told["peers"]} == {
        "scikit-learn kNN on all points",
        "scikit-learn SGD, partial_fit",
    }
    assert len(told["seeds"]) == 2
