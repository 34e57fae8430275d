"""The follow-ups for rare labels and wrong ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sonotype.models.multilabel import PrototypeSet
from sonotype.models.multilabel.imbalance import by_policy, edited, excluded, imbalance

Y = np.array([[1, 0, 0]] * 6 + [[1, 1, 0]] * 3 + [[0, 0, 1]], dtype=bool)


def test_imbalance_is_the_most_frequent_label_over_each() -> None:
    assert imbalance(Y).tolist() == [1.0, 3.0, 9.0]
    assert imbalance(np.zeros((3, 2), dtype=bool)).tolist() == [1.0, 1.0]


def test_samples_with_a_rare_label_are_excluded() -> None:
    assert np.flatnonzero(excluded(Y)).tolist() == [9]


def test_policies_favour_rare_labels() -> None:
    counts, sizes = np.array([[4.0, 2.0, 1.0]]), np.array([[6.0]])
    assert by_policy(counts, sizes, Y, "I").tolist() == [[1.0, 1.0, 1.0]]  # more than 3, 1, 0 samples
    assert by_policy(counts, sizes, Y, "II").tolist() == [[1.0, 0.0, 1.0]]
    assert by_policy(np.zeros((1, 3)), sizes, Y, "II").tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize("labels", ["policy-1", "policy-2"])
def test_a_rare_label_survives_in_a_set(labels: Any) -> None:
    x = np.arange(10.0)[:, None]
    assert PrototypeSet.fit(x, Y, method="mchen", budget=1, labels="majority").y.tolist() == [[1, 0, 0]]
    assert PrototypeSet.fit(x, Y, method="mchen", budget=1, labels=labels).y[0, 2] == 1


def test_kept_samples_stay_as_they_are_beside_every_budget() -> None:
    x = np.random.default_rng(0).normal(size=(10, 2))
    found = PrototypeSet.fit(x, Y, method="entropy", budget=3, keep_rare=True)
    for prototypes, size in ((found, 4), (found.at(1), 2)):
        assert len(prototypes) == size
        assert prototypes.members[-1].tolist() == [9]
        assert prototypes.x[-1].tolist() == x[9].tolist()
        assert sorted(np.concatenate(prototypes.members).tolist()) == list(range(10))


def test_editing_leaves_out_what_disagrees_with_its_neighbours_unless_it_is_rare() -> None:
    x = np.concatenate([np.linspace(0, 1, 12), np.linspace(100, 101, 12)])[:, None]
    y = np.zeros((24, 3), dtype=bool)
    y[:12, 0] = y[12:, 1] = True
    y[3] = [False, True, False]
    y[20] = [False, False, True]
    assert sorted(set(range(24)) - set(edited(x, y).tolist())) == [3]
    found = PrototypeSet.fit(x, y, method="mchen", budget=4, edit=True)
    assert 3 not in np.concatenate(found.members)
    assert len(np.concatenate(found.members)) == 23


def test_editing_keeps_unlabelled_samples_among_unlabelled_ones_and_a_sample_alone() -> None:
    assert len(edited(np.arange(8.0)[:, None], np.zeros((8, 2), dtype=bool))) == 8
    assert edited(np.ones((1, 1)), np.ones((1, 1), dtype=bool)).tolist() == [0]
