"""Prototype sets and their classifiers at the edges: what is refused, and what numbers can do to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix, csr_matrix

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.multilabel import MultiLabelKNN, PrototypeSet
from sonotype.models.multilabel.lloyd import assign

BUDGETED = ("entropy", "mchen", "mrsp1", "mrsp2", "kmeans")
METHODS = (*BUDGETED, "mrhc", "mrsp3")
X = np.random.default_rng(0).normal(size=(60, 3)).round(3)
Y = np.column_stack([X[:, 0] > 0, X[:, 1] > 1])


def fit(x: Any, y: Any, method: Any, budget: Any = 8, **options: Any) -> Any:
    return PrototypeSet.fit(x, y, method=method, budget=budget if method in BUDGETED else None, **options)


def parts(prototypes: Any) -> Any:
    return {tuple(part.tolist()) for part in prototypes.tree.parts()}


@pytest.mark.parametrize(
    ("x", "y", "options"),
    [
        ([[np.nan]], [[1]], {"budget": 1}),
        ([[np.inf]], [[1]], {"budget": 1}),
        ([[-1e200]], [[1]], {"budget": 1}),
        (csr_matrix([[np.nan]]), [[1]], {"budget": 1}),
        (csr_matrix([[1e200]]), [[1]], {"budget": 1}),
        ([1.0], [[1]], {"budget": 1}),
        (np.zeros((1, 1, 1)), [[1]], {"budget": 1}),
        ([[1.0], [1.0, 2.0]], [[1], [1]], {"budget": 1}),
        ([["loud"]], [[1]], {"budget": 1}),
        ([[1j]], [[1]], {"budget": 1}),
        (None, [[1]], {"budget": 1}),
        ([[1.0]], [1], {"budget": 1}),
        ([[1.0]], [[0.5]], {"budget": 1}),
        ([[1.0]], [[-1]], {"budget": 1}),
        ([[1.0]], [[2**63]], {"budget": 1}),
        ([[1.0]], [["1"]], {"budget": 1}),
        ([[1.0]], [[np.nan]], {"budget": 1}),
        ([[1.0], [2.0]], [[1], [0, 1]], {"budget": 1}),
        ([[1.0]], [[1], [0]], {"budget": 1}),
        (np.empty((0, 2)), np.empty((0, 1)), {"budget": 1}),
        (np.empty((2, 0)), np.ones((2, 1)), {"budget": 1}),
        (np.ones((2, 1)), np.empty((2, 0)), {"budget": 1}),
        ([[1.0]], [[1]], {"budget": 0}),
        ([[1.0]], [[1]], {"budget": -1}),
        ([[1.0]], [[1]], {"budget": "5"}),
        ([[1.0]], [[1]], {"budget": float("inf")}),
        ([[1.0]], [[1]], {"budget": float("nan")}),
        ([[1.0]], [[1]], {}),
        ([[1.0]], [[1]], {"method": "mrhc", "budget": 3}),
        ([[1.0]], [[1]], {"method": "best", "budget": 3}),
        ([[1.0]], [[1]], {"labels": "best", "budget": 3}),
        ([[1.0]], [[1]], {"position": "best", "budget": 3}),
    ],
)
def test_what_cannot_be_used_is_refused(x: Any, y: Any, options: Any) -> None:
    with pytest.raises(SonotypeError) as refused:
        PrototypeSet.fit(x, y, **options)
    assert refused.value.code is Code.INVALID_REQUEST


@pytest.mark.parametrize(
    "query", [np.full((1, 3), np.nan), np.full((1, 3), np.inf), np.zeros(3), np.zeros((1, 4)), csr_matrix((1, 4))]
)
def test_queries_that_cannot_be_answered_are_refused(query: Any) -> None:
    knn = MultiLabelKNN.on(fit(X, Y, "entropy"))
    for ask in (knn.scores, knn.predict):
        with pytest.raises(SonotypeError) as refused:
            ask(query)
        assert refused.value.code is Code.INVALID_REQUEST
    with pytest.raises(SonotypeError):
        knn.explain(np.array([0.0, np.nan, 0.0]))
    assert knn.scores(np.empty((0, 3))).shape == (0, 2)


@pytest.mark.parametrize(
    ("x", "y", "options"),
    [
        (X, Y[:5], {}),
        (X[:0], Y[:0], {}),
        (X, Y[:, 0], {}),
        (X, np.full(Y.shape, 2.0), {}),
        (X, np.full(Y.shape, np.nan), {}),
        (np.full((2, 2), np.nan), Y[:2], {}),
        (X, Y, {"k": 0}),
        (X, Y, {"kind": "best"}),
        (X, Y, {"votes": "best"}),
    ],
)
def test_classifiers_that_cannot_be_are_refused(x: Any, y: Any, options: Any) -> None:
    with pytest.raises(SonotypeError) as refused:
        MultiLabelKNN(x, y, **options)
    assert refused.value.code is Code.INVALID_REQUEST


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.integers(1, 200), st.sampled_from([1e-3, 1.0, 1e4]))
@pytest.mark.parametrize("method", ["entropy", "mchen", "mrsp2", "mrhc", "mrsp3"])
def test_equal_samples_of_any_numbers_are_never_parted_by_rounding(
    method: Any, seed: Any, d: Any, n: Any, size: Any
) -> None:
    """Whatever the order in which a matrix product adds them up."""
    rng = np.random.default_rng(seed)
    which = rng.integers(3, size=n)
    x, y = (size * rng.normal(size=(3, d)) + rng.integers(2) * size)[which], rng.random((n, 2)) < 0.4
    found = fit(x, y, method, n)
    most = len(np.unique(which if method != "mrhc" else np.column_stack([which, y]), axis=0))
    assert len(found.tree.parts()) <= most
    assert sum(found.weight) == n


@pytest.mark.parametrize("method", METHODS)
def test_corpora_far_from_the_origin_are_cut_and_answered_alike(method: Any) -> None:
    near, far = fit(X, Y, method), fit(X + 2.0**30, Y, method)
    assert parts(far) == parts(near)
    asked = [MultiLabelKNN.on(near), MultiLabelKNN.on(far)]
    np.testing.assert_allclose(asked[1].scores(X + 2.0**30), asked[0].scores(X), atol=1e-4)
    told = [knn.explain(X[5] + 0.05 + start).percentile for knn, start in zip(asked, (0.0, 2.0**30), strict=True)]
    assert told[0] == pytest.approx(told[1], abs=0.02)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [2.0**-40, 2.0**300])
def test_the_unit_of_the_features_does_not_matter(method: Any, scale: Any) -> None:
    assert parts(fit(X * scale, Y, method)) == parts(fit(X, Y, method))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", [np.float32, np.int8, np.uint64, bool])
def test_features_of_any_number_type_are_taken(method: Any, kind: Any) -> None:
    x = (X * 4).astype(kind)
    assert parts(fit(x, Y, method)) == parts(fit(x.astype(np.float64), Y, method))
    assert parts(fit(x, Y.astype(np.uint8), method)) == parts(fit(x, csr_matrix(Y), method))


@pytest.mark.parametrize("method", METHODS)
def test_one_feature_is_enough(method: Any) -> None:
    found = fit(X[:, :1], Y[:, :1], method)
    right = MultiLabelKNN.on(found, k=1).predict(X[:, :1]) == Y[:, :1]
    assert right.mean() > 0.9


@pytest.mark.parametrize("method", METHODS)
def test_entries_of_a_sparse_matrix_may_come_twice_or_be_zero(method: Any) -> None:
    x = np.where(X > 0.5, X, 0.0)
    rows, columns = np.nonzero(np.ones_like(x))
    both = np.tile(rows, 2), np.tile(columns, 2)
    twice = coo_matrix((np.tile(x.ravel() / 2, 2), both), shape=x.shape)
    for position in ("mean", "median"):
        plain, odd = (fit(each, Y, method, position=position) for each in (csr_matrix(x), twice))
        assert parts(odd) == parts(plain)
        np.testing.assert_allclose(odd.x.toarray(), plain.x.toarray())
    equal = csr_matrix(np.repeat(x[:2], 20, axis=0))
    assert len(fit(equal, np.tile(Y[:1], (40, 1)), method, 30).tree.parts()) <= 2


@pytest.mark.parametrize("method", METHODS)
def test_all_samples_may_be_kept_or_edited_out_of_the_way(method: Any) -> None:
    every = np.column_stack([np.ones(8, bool), np.eye(8, dtype=bool)])
    kept = fit(X[:8], every, method, 3, keep_rare=True)
    assert [part.tolist() for part in kept.members] == [[number] for number in range(8)]
    both = fit(X, Y, method, 5, keep_rare=True, edit=True)
    numbers = np.concatenate(both.members)
    assert len(set(numbers.tolist())) == len(numbers)


def test_centres_that_rounding_alone_tells_apart_share_nothing_out() -> None:
    x = np.random.default_rng(1).normal(size=(999, 37))[:1].repeat(999, axis=0)
    assert not assign(x, np.stack([x[0], x.mean(axis=0)])).any()
