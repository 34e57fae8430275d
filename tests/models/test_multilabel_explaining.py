"""Near votes, adapted numbers of neighbours, and what an answer says about itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sonotype.models.multilabel import MultiLabelKNN, PrototypeSet
from sonotype.models.multilabel.knn import adapted_k

X = np.array([[0.0, 0.0], [0.2, 0.0], [0.0, 0.2], [5.0, 5.0], [5.2, 5.0], [5.0, 5.3], [9.0, 0.0], [9.1, 0.0]])
Y = np.array([[1, 0], [1, 0], [1, 1], [0, 1], [0, 1], [0, 1], [1, 1], [1, 1]])


@pytest.fixture
def prototypes() -> Any:
    return PrototypeSet.fit(X, Y, method="mchen", budget=3)


@pytest.mark.parametrize("votes", ["equal", "near"])
def test_shares_of_the_neighbours_make_the_whole_score(prototypes: Any, votes: Any) -> None:
    explained = MultiLabelKNN.on(prototypes, k=3, votes=votes).explain(np.array([0.1, 0.1]))
    assert np.allclose(sum(near.share for near in explained.neighbours), 1.0)
    first = explained.neighbours[0]
    assert set(first.members.tolist()) == {0, 1, 2}
    assert first.distance == pytest.approx(np.hypot(0.1 - X[:3, 0].mean(), 0.1 - X[:3, 1].mean()))
    assert [near.distance for near in explained.neighbours] == sorted(near.distance for near in explained.neighbours)


@pytest.mark.parametrize("kind", ["br", "lp", "ml"])
def test_an_explanation_has_the_scores_of_the_answer(prototypes: Any, kind: Any) -> None:
    knn = MultiLabelKNN.on(prototypes, kind=kind, k=3)
    query = np.array([4.0, 4.0])
    assert np.allclose(knn.explain(query).scores, knn.scores(query[None])[0])


def test_nobody_has_a_share_in_a_label_that_no_neighbour_carries(prototypes: Any) -> None:
    explained = MultiLabelKNN.on(prototypes, k=1).explain(np.array([5.0, 5.0]))
    assert explained.neighbours[0].share.tolist() == [0.0, 1.0]


def test_what_is_far_from_anything_known_is_called_far(prototypes: Any) -> None:
    knn = MultiLabelKNN.on(prototypes, k=1)
    assert not knn.explain(np.array([0.05, 0.05])).is_far
    assert knn.explain(np.array([60.0, 60.0])).is_far
    assert knn.explain(np.array([60.0, 60.0])).percentile == 1.0


def test_without_members_there_is_no_percentile() -> None:
    explained = MultiLabelKNN(X, Y.astype(float)).explain(X[0])
    assert explained.percentile is None
    assert not explained.is_far


def test_a_near_or_a_large_prototype_counts_more() -> None:
    x, y = np.array([[0.0], [1.0]]), np.array([[1.0], [0.0]])
    near = MultiLabelKNN(x, y, k=2, votes="near").scores(np.array([[0.3]]))
    large = MultiLabelKNN(x, y, k=2, votes="near", weight=np.array([100, 1])).scores(np.array([[0.3]]))
    assert 0.5 < near[0, 0] < large[0, 0] < 1.0
    assert MultiLabelKNN(x, y, k=2).scores(np.array([[0.3]]))[0, 0] == 0.5


def test_a_query_on_equal_prototypes_is_answered() -> None:
    scores = MultiLabelKNN(np.ones((3, 2)), np.eye(3), k=3, votes="near").scores(np.ones((1, 2)))
    assert np.allclose(scores, 1 / 3)


@pytest.mark.parametrize(("n", "votes", "k"), [(1, "near", 1), (19, "near", 5), (10_000, "near", 15), (19, "equal", 3)])
def test_neighbours_suit_the_size_of_the_set(n: Any, votes: Any, k: Any) -> None:
    assert adapted_k(n, votes) == k
