"""The way to another class ends in that class, starts where it should, and is short."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_heads_prototypes import random_head

import prototype_models as maker
from sonotype.core.errors import SonotypeError
from sonotype.models.heads.counterfactual import counterfactual
from sonotype.models.heads.prototypes import PrototypeHead


def fitted_head() -> PrototypeHead:
    arrays = maker.fitted_arrays()
    return PrototypeHead(maker.make_card(arrays), arrays)


@settings(max_examples=40, deadline=None)
@given(classes=st.integers(2, 6), per_class=st.integers(1, 4), dim=st.integers(2, 40), seed=st.integers(0, 9999))
def test_the_target_wins_at_the_end(classes: int, per_class: int, dim: int, seed: int) -> None:
    head = random_head(classes, per_class, dim, seed)
    start = head.raw_prototypes()[0]
    target = classes - 1
    try:
        way = counterfactual(head, start, head.labels[target], 6)
    except SonotypeError as error:  # random weights may make a class that never wins, or wins everywhere
        assert "No way" in error.detail or "already" in error.detail  # noqa: PT017
        return
    assert way.shape == (6, dim)
    np.testing.assert_array_equal(way[0], start)
    assert head.logits(way)[-1].argmax() == target
    moves = np.diff(way, axis=0)
    np.testing.assert_allclose(moves, np.broadcast_to(moves[0], moves.shape), atol=1e-4)


def test_the_way_is_no_longer_than_that_to_a_prototype() -> None:
    head = fitted_head()
    z = head.normalise(head.raw_prototypes())
    for target in (1, 2):
        way = head.normalise(counterfactual(head, head.medoids[0], head.labels[target], 4))
        straight = min(np.linalg.norm(z[head.owners == target] - way[0], axis=1))
        assert np.linalg.norm(way[-1] - way[0]) < straight
        assert head.logits_at(way)[0].argmax() == 0


def test_the_way_is_about_the_shortest_in_two_dimensions() -> None:
    head = random_head(3, 2, 2, 11)
    start = head.raw_prototypes()[0]
    begin = head.normalise(start[None])[0]
    way = head.normalise(counterfactual(head, start, "class 2", 2))
    found = np.linalg.norm(way[-1] - begin)
    angles, radii = np.linspace(0, 2 * np.pi, 720), np.linspace(0.0, found, 400)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = begin + (radii[:, None, None] * ring[None]).reshape(-1, 2)
    wins = head.logits_at(points).argmax(axis=1) == 2
    shortest = np.linalg.norm(points[wins] - begin, axis=1).min() if wins.any() else found
    assert found <= 1.25 * shortest + 0.1, "the end lies a little inside, by the margin of the odds"


@pytest.mark.parametrize("far", [50.0, 1e9, 1e20, 1e38])
def test_far_starts_find_a_way(far: float) -> None:
    head = fitted_head()
    way = counterfactual(head, head.medoids[0] + np.float32(far), "piano", 3)
    assert head.logits(way)[-1].argmax() == 2


def test_multilabel_wants_the_label_present() -> None:
    head = random_head(3, 2, 6, 4, multilabel=True)
    head._bias[2] -= head.logits(head.raw_prototypes())[0, 2] + 0.1
    way = counterfactual(head, head.raw_prototypes()[0], "class 2", 3)
    assert head.logits(way)[-1, 2] > 0


@pytest.mark.parametrize(
    ("label", "points", "words"),
    [("oboe", 5, "no class"), ("piano", 1, "two points"), ("flute", 5, "already")],
)
def test_what_cannot_be_is_refused(label: str, points: int, words: str) -> None:
    head = fitted_head()
    with pytest.raises(SonotypeError, match=words):
        counterfactual(head, head.medoids[0], label, points)


def test_a_class_that_never_wins_has_no_way() -> None:
    head = fitted_head()
    head._bias[2] = -100.0
    with pytest.raises(SonotypeError, match="No way"):
        counterfactual(head, head.medoids[0], "piano")
