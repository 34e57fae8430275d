"""How good multilabel predictions and scores are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


def decisions(truth: Bools, predicted: Bools) -> dict[str, float]:
    """Hamming loss, exact match and F1 in four forms; zero where neither truth nor prediction has anything."""
    right, wrong, missed = truth & predicted, ~truth & predicted, truth & ~predicted
    by_label = _f1(right.sum(axis=0), wrong.sum(axis=0), missed.sum(axis=0))
    by_sample = _f1(right.sum(axis=1), wrong.sum(axis=1), missed.sum(axis=1))
    return {
        "hamming_loss": float((truth ^ predicted).mean()),
        "exact_match": float((truth == predicted).all(axis=1).mean()),
        "f1_micro": float(_f1(right.sum(), wrong.sum(), missed.sum())),
        "f1_macro": float(by_label.mean()),
        "f1_samples": float(by_sample.mean()),
    }


def mean_average_precision(truth: Bools, scores: NDArray[np.float64]) -> float:
    """Mean over the labels that occur of average precision; scores equal to 12 digits share one rank, the last."""
    scores = scores.round(12)  # where all neighbours agree, rounding is not to decide who comes first
    found = [_precision(truth[:, label], scores[:, label]) for label in np.flatnonzero(truth.any(axis=0))]
    return float(np.mean(found))


def _precision(truth: Bools, scores: NDArray[np.float64]) -> float:
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(truth[order])[last]
    return float((hits / (last + 1) * np.diff(hits, prepend=0)).sum() / truth.sum())


def _f1(right: Any, wrong: Any, missed: Any) -> Any:
    return 2 * right / np.maximum(2 * right + wrong + missed, 1)
