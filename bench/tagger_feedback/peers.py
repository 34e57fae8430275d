"""What others do with the same corrections: all points, and one linear classifier per label."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.neighbors import KNeighborsRegressor

from sonotype.catalog.taggers.reporting import mean_average_precision

if TYPE_CHECKING:
    from bench.tagger_feedback.worth import Case

_K = 10
_EPOCHS = 20


def all_points(given: Case) -> dict[str, Any]:
    """Every track a prototype (scikit-learn's neighbours, weighted by distance); what nobody knows counts as no."""
    held = given.touched
    began = time.perf_counter()
    model = KNeighborsRegressor(n_neighbors=_K, weights="distance").fit(given.x[held], given.learnt[held] > 0)
    took = 1000 * (time.perf_counter() - began)
    return _told("scikit-learn kNN on all points", given, model.predict(given.test_x), took)


def linear(given: Case) -> dict[str, Any]:
    """Logistic regression per label by stochastic gradient descent; a correction is one more step."""
    models = [_fitted(given, column) for column in range(given.truth.shape[1])]
    took = []
    for row, column in given.corrections:
        began = time.perf_counter()
        models[column].partial_fit(given.x[row : row + 1], [given.truth[row, column] > 0])
        took.append(1000 * (time.perf_counter() - began))
    scores = np.stack([model.decision_function(given.test_x) for model in models], axis=1)
    return _told("scikit-learn SGD, partial_fit", given, scores, float(np.median(took)))


def _fitted(given: Case, column: int) -> SGDClassifier:
    model = SGDClassifier(loss="log_loss", random_state=0)
    x, y = given.x[: given.n], given.said[: given.n, column] > 0
    for _ in range(_EPOCHS):
        model.partial_fit(x, y, classes=[False, True])
    return model


def _told(name: str, given: Case, scores: np.ndarray, took_ms: float) -> dict[str, Any]:
    precision = mean_average_precision(given.test_y, scores) or 0.0
    return {"name": name, "map_after": round(precision, 4), "correction_ms": round(took_ms, 3)}
