"""Prototype sets by default: what holds of all of them, and the corners that the published code trips on."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.multilabel import MultiLabelKNN, PrototypeSet

BUDGETED = ("entropy", "mchen", "mrsp1", "mrsp2")
ENDING = ("mrhc", "mrsp3")
METHODS = (*BUDGETED, *ENDING)
few = settings(max_examples=15, deadline=None)


@st.composite
def corpora(draw: Any, grid: Any = 4) -> Any:
    n, d, labels = draw(st.integers(1, 16)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.integers(0, grid, (n, d)).astype(float), rng.random((n, labels)) < draw(st.sampled_from([0.0, 0.3, 0.7]))


def fit(x: Any, y: Any, method: Any, budget: Any, **options: Any) -> Any:
    return PrototypeSet.fit(x, y, method=method, budget=budget if method in BUDGETED else None, **options)


def parts(prototypes: Any) -> Any:
    return {tuple(map(int, part)) for part in prototypes.tree.parts()}


def separate(n: Any = 60, d: Any = 4, labels: Any = 3, seed: Any = 0) -> Any:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.random((n, labels)) < 0.4


@few
@given(corpora(), st.integers(1, 20))
@pytest.mark.parametrize("method", METHODS)
def test_every_sample_is_in_exactly_one_prototype_the_mean_of_its_members(
    method: Any, corpus: Any, budget: Any
) -> None:
    x, y = corpus
    found = fit(x, y, method, budget)
    assert sorted(np.concatenate(found.members).tolist()) == list(range(len(x)))
    assert found.weight.tolist() == [len(part) for part in found.members]
    for position, labels, members in zip(found.x, found.y, found.members, strict=True):
        assert np.allclose(position, x[members].mean(axis=0))
        assert np.allclose(labels, y[members].mean(axis=0))
    if method in ("entropy", "mchen"):
        assert len(found) <= min(budget, len(np.unique(x, axis=0)))


@few
@given(corpora(), st.integers(1, 16), st.integers(1, 16))
@pytest.mark.parametrize("method", BUDGETED)
def test_a_cut_is_what_a_fit_with_the_smaller_budget_gives(method: Any, corpus: Any, one: Any, other: Any) -> None:
    x, y = corpus
    cut, fitted = fit(x, y, method, max(one, other)).at(min(one, other)), fit(x, y, method, min(one, other))
    assert np.allclose(cut.x, fitted.x)
    assert np.array_equal(cut.y, fitted.y)
    assert [part.tolist() for part in cut.members] == [part.tolist() for part in fitted.members]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_samples_does_not_matter_where_nothing_ties(method: Any, seed: Any) -> None:
    x, y = separate(seed=seed)
    order = np.random.default_rng(seed).permutation(len(x))
    back = {tuple(sorted(int(order[i]) for i in part)) for part in parts(fit(x[order], y[order], method, 20))}
    assert back == parts(fit(x, y, method, 20))


@pytest.mark.parametrize("method", METHODS)
def test_sparse_features_give_what_dense_ones_give(method: Any) -> None:
    x, y = separate()
    x = np.where(x > 0.5, x, 0.0)
    for position in ("mean", "median"):
        dense, sparse = fit(x, y, method, 20, position=position), fit(csr_matrix(x), y, method, 20, position=position)
        assert parts(sparse) == parts(dense)
        assert np.allclose(sorted(sparse.x.toarray().tolist()), sorted(dense.x.tolist()))
        scores = [
            MultiLabelKNN.on(found, k=3).scores(queries) for found, queries in ((dense, x), (sparse, csr_matrix(x)))
        ]
        assert np.allclose(*scores)


@pytest.mark.parametrize("method", METHODS)
def test_unlabelled_samples_are_alike(method: Any) -> None:
    x, _ = separate()
    found = fit(x, np.zeros((60, 3)), method, 5)
    assert len(found) == (1 if method in ("mrsp2", *ENDING) else 5)
    assert not MultiLabelKNN.on(found).scores(x).any()


@pytest.mark.parametrize("method", ["mrsp1", "mrsp2", "mrhc"])
def test_equal_samples_with_different_labels_end_as_one_part_or_one_for_every_labelset(method: Any) -> None:
    y = np.array([[1, 0], [0, 1], [1, 1], [0, 1]])
    found = fit(np.ones((4, 2)), y, method, 4)
    assert len(found) == 3
    assert fit(np.ones((4, 2)), y, "mchen", 4).y.tolist() == [[0.5, 0.75]]
    assert len(fit(np.ones((4, 2)), y, "mrsp3", None)) == 1


def test_equal_samples_do_not_stop_the_others_from_being_split() -> None:
    x = np.array([[0.0], [0.0], [5.0], [6.0], [9.0]])
    y = np.array([[1], [0], [1], [1], [1]])
    assert len(fit(x, y, "mchen", 4)) == 4
    assert len(fit(x, y, "mchen", 4, compat=True)) < 4


def test_the_most_mixed_part_is_the_first_that_overlap_splits() -> None:
    x = np.array([[0.0], [0.2], [0.4], [9.0], [9.5], [9.9]])
    y = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1]])
    found = fit(x, y, "mrsp2", 3)
    assert {3, 4, 5} in [set(part.tolist()) for part in found.tree.parts()]
    assert len(fit(x, y, "mrsp2", 6).tree.parts()) == 4  # nothing is left to split


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["br", "lp", "ml"])
def test_one_sample_one_label_and_more_neighbours_than_prototypes(method: Any, kind: Any) -> None:
    found = fit(np.array([[1.0, 2.0]]), np.array([[1]]), method, 3)
    assert len(found) == 1
    assert MultiLabelKNN.on(found, kind=kind, k=7).predict(np.zeros((2, 2))).tolist() == [[True], [True]]


def test_methods_without_budgets_refuse_to_be_cut_and_none_is_cut_beyond_its_fit() -> None:
    x, y = separate()
    with pytest.raises(SonotypeError):
        fit(x, y, "mrhc", None).at(5)
    with pytest.raises(SonotypeError):
        fit(x, y, "entropy", 5).at(6)


def test_blocks_hold_every_sample_once_and_have_every_budget(monkeypatch: Any) -> None:
    monkeypatch.setattr("sonotype.models.multilabel.methods.EXACT", 50)
    monkeypatch.setattr("sonotype.models.multilabel.blocks._BLOCK", 20)
    x, y = separate(400)
    found = fit(x, y, "mchen", 100)
    for budget in (1, 2, 10, 50, 100):
        cut = found.at(budget)
        assert len(cut) == budget
        assert sorted(np.concatenate(cut.members).tolist()) == list(range(400))


def test_k_means_gives_as_many_prototypes_as_asked_for() -> None:
    x, y = separate()
    found = PrototypeSet.fit(x, y, method="kmeans", budget=0.1)
    assert len(found) == 6
    assert found.weight.sum() == 60
    assert len(PrototypeSet.fit(np.ones((5, 2)), np.eye(5), method="kmeans", budget=3)) == 1


def test_a_method_says_which_package_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(SonotypeError, match=r"sonotype\[train\]") as refused:
        PrototypeSet.fit(*separate(), method="kmeans", budget=3)
    assert refused.value.code is Code.INVALID_REQUEST


def test_a_cut_by_labels_finds_the_label_and_not_the_larger_scatter() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.uniform(-1, 1, 200), rng.choice([-0.4, 0.4], 200) + rng.normal(0, 0.02, 200)])
    y = x[:, 1:] > 0
    found = PrototypeSet.fit(x, y, method="entropy", budget=2)
    assert sorted(found.y[:, 0].tolist()) == [0.0, 1.0]


@pytest.mark.parametrize("options", [{}, {"labels": "majority", "position": "median"}])
def test_one_tree_gives_both_methods_that_split_by_diameter(options: Any) -> None:
    x, y = separate()
    found = fit(x, y, "mchen", 20).reform(**options, per_labelset=True).at(10)
    fitted = fit(x, y, "mrsp1", 10, **options)
    assert np.array_equal(found.x, fitted.x)
    assert np.array_equal(found.y, fitted.y)
