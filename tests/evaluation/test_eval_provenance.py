"""Provenance on clouds whose answers can be read off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonotype.evaluation.provenance import (
    Corpus,
    build_provenance,
    collapsed,
    distinct,
    effective_rank,
    share_of_segments,
    squared_distances,
)
from sonotype.models.heads.provenance import Provenance


def corpus(points: list[list[float]], labels: list[str], files: list[str] | None = None) -> Corpus:
    n = len(points)
    return Corpus(
        points=np.array(points),
        labels=[tuple(label.split("|")) for label in labels],
        files=files or [f"{i}.wav" for i in range(n)],
        offsets_s=[0.0] * n,
        sources=["here"] * n,
        licences=["CC0-1.0"] * n,
    )


def line() -> Provenance:
    """Prototypes at 0, 1 and 10 among segments on a line."""
    data = corpus([[0.1], [0.4], [1.2], [9.0], [10.5]], ["a", "a", "b", "b", "b"])
    return build_provenance(
        ["m.a.0", "m.a.1", "m.b.0"],
        ["a", "a", "b"],
        np.array([[0.0], [1.0], [10.0]]),
        gamma=np.ones(3),
        corpus=data,
        weights_sha256="0" * 64,
        neighbours=3,
    )


def test_medoid_neighbours_and_distances() -> None:
    first, second, third = line().prototypes
    assert [n.file for n in first.neighbours] == ["0.wav", "1.wav", "2.wav"]
    assert [n.distance for n in first.neighbours] == pytest.approx([0.1, 0.4, 1.2])
    assert first.medoid == first.neighbours[0]
    assert (second.medoid.file, second.medoid.label) == ("2.wav", "b")
    assert third.medoid.file == "4.wav"
    assert third.medoid.licence == "CC0-1.0"


def test_purity_is_the_share_of_own_neighbours() -> None:
    assert [record.purity for record in line().prototypes] == pytest.approx([2 / 3, 2 / 3, 1.0])


def test_shares_of_a_label_sum_to_one() -> None:
    first, second, third = line().prototypes
    assert (first.share, second.share, third.share) == (1.0, 0.0, 1.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 5))
def test_every_segment_is_shared_out_once(seed: int, classes: int, per_class: int) -> None:
    random = np.random.default_rng(seed)
    labels = [f"c{c}" for c in range(classes) for _ in range(per_class)]
    carried = [(f"c{random.integers(classes)}",) for _ in range(20)]
    shares = share_of_segments(random.random((len(labels), 20)), labels, carried)
    for label in set(labels):
        total = shares[[other == label for other in labels]].sum()
        assert total == pytest.approx(1.0 if (label,) in carried else 0.0)


def test_multilabel_segments_count_for_each_label() -> None:
    data = corpus([[0.0], [0.2]], ["a|b", "b"])
    found = build_provenance(
        ["m.a.0", "m.b.0"], ["a", "b"], np.zeros((2, 1)), gamma=np.ones(2), corpus=data, weights_sha256="0" * 64
    )
    assert [record.purity for record in found.prototypes] == [0.5, 1.0]
    assert [record.medoid.label for record in found.prototypes] == ["a", "b"]


def test_neighbours_are_different_files() -> None:
    assert distinct(np.array([3, 2, 1, 0]), ["x", "y", "x", "x"], 5) == [3, 1]


def test_prototypes_with_the_same_nearest_segment_are_a_group() -> None:
    place = {"p.0": ("x", 0.0), "p.1": ("x", 3.0), "p.2": ("x", 0.0), "q.0": ("y", 0.0)}
    assert collapsed(place) == (("p.0", "p.2"),)


@pytest.mark.parametrize("n", [1, 3, 7])
def test_effective_rank_in_closed_form(n: int) -> None:
    assert effective_rank(5.0 * np.eye(n)) == pytest.approx(n)
    assert effective_rank(np.ones((4, n))) == pytest.approx(1.0)
    assert effective_rank(np.zeros((4, n))) == 0.0


def test_effective_rank_of_two_values() -> None:
    # singular values 3 and 1: entropy of (3/4, 1/4)
    expected = np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))
    assert effective_rank(np.diag([3.0, 1.0])) == pytest.approx(expected)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_distances_are_those_of_the_definition(seed: int) -> None:
    random = np.random.default_rng(seed)
    p, x = random.normal(size=(3, 5)), random.normal(size=(7, 5))
    expected = ((p[:, None] - x[None]) ** 2).sum(axis=-1)
    assert squared_distances(p, x) == pytest.approx(expected)
    assert squared_distances(p, p).diagonal() == pytest.approx(np.zeros(3), abs=1e-9)
