"""Compat mode and the classifiers against plain implementations of what was published."""

from __future__ import annotations

from typing import Any

import multilabel_slow as slow
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonotype.models.multilabel import MultiLabelKNN, PrototypeSet

pytest.importorskip("sklearn")
few = settings(max_examples=25, deadline=None)


@st.composite
def corpora(draw: Any, least: Any = 3, grid: Any = 6) -> Any:
    """Points on a small grid, so that ties, duplicates and unlabelled samples are common."""
    n, d, labels = draw(st.integers(least, 14)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.integers(0, grid, (n, d)).astype(float), rng.random((n, labels)) < 0.4


def as_sets(parts: Any) -> Any:
    return sorted(sorted(map(int, part)) for part in parts)


def rows(prototypes: Any) -> Any:
    return np.array(sorted(map(tuple, np.hstack([prototypes.x, prototypes.y]).tolist())))


def distinct(x: Any) -> Any:
    return len(np.unique(x, axis=0))


@few
@given(corpora(), st.data())
def test_mchen_and_mrsp1_split_as_published_and_form_their_prototypes(corpus: Any, data: Any) -> None:
    x, y = corpus
    budget = data.draw(st.integers(1, distinct(x)))
    parts = slow.mchen(x, y, budget)
    fast = PrototypeSet.fit(x, y, method="mchen", budget=budget, compat=True)
    assert as_sets(fast.members) == as_sets(parts)
    assert np.allclose(rows(fast), sorted(slow.majority(part, x, y) for part in parts))
    each = PrototypeSet.fit(x, y, method="mrsp1", budget=budget, compat=True)
    assert np.allclose(rows(each), sorted(row for part in parts for row in slow.per_labelset(part, x, y)))


@few
@given(corpora(), st.data())
def test_mrsp2_in_compat_mode_measures_the_first_samples_of_the_corpus_and_draws_the_same(
    corpus: Any, data: Any
) -> None:
    x, y = corpus
    budget = data.draw(st.integers(1, len(x) - 1))
    parts = slow.mrsp2(x, y, budget)
    fast = PrototypeSet.fit(x, y, method="mrsp2", budget=budget, compat=True)
    assert as_sets(fast.tree.parts()) == as_sets(parts)
    assert np.allclose(rows(fast), sorted(row for part in parts for row in slow.per_labelset(part, x, y)))


@few
@given(corpora())
def test_mrsp3_splits_until_homogeneous_unlabelled_samples_alone(corpus: Any) -> None:
    x, y = corpus
    fast = PrototypeSet.fit(x, y, method="mrsp3", compat=True)
    assert as_sets(fast.members) == as_sets(slow.mrsp3(x, y))


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@few
@given(corpora())
def test_mrhc_clusters_from_the_labels(corpus: Any) -> None:
    x, y = corpus
    fast = PrototypeSet.fit(x, y, method="mrhc", compat=True)
    assert as_sets(fast.members) == as_sets(slow.mrhc(x, y))


@few
@given(corpora(), st.sampled_from([1, 3, 5]))
def test_classifiers_answer_as_published(corpus: Any, k: Any) -> None:
    x, y = corpus
    k = min(k, len(x) - 1)
    queries = np.random.default_rng(0).integers(0, 6, (4, x.shape[1])).astype(float)
    made = {kind: MultiLabelKNN(x, y, kind=kind, k=k) for kind in ("br", "lp")}
    assert made["br"].predict(queries).tolist() == [slow.br(query, x, y, k) for query in queries]
    assert made["lp"].predict(queries).tolist() == [slow.lp(query, x, y, k) for query in queries]
    scores = MultiLabelKNN(x, y, kind="ml", k=k, include_self=True).scores(queries)
    assert np.allclose(scores, [slow.ml(query, x, y, k, include_self=True) for query in queries])


@few
@given(corpora(grid=10**6))
def test_ml_knn_leaves_a_sample_out_of_its_own_neighbours(corpus: Any) -> None:
    x, y = corpus
    k, query = 2, x.mean(axis=0)
    scores = MultiLabelKNN(x, y, kind="ml", k=k).scores(query[None])
    assert np.allclose(scores[0], slow.ml(query, x, y, k, include_self=False))
