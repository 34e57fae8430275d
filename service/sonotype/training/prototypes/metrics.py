"""Scores of a classifier over files, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

RESAMPLES = 2000

Truth = NDArray[np.bool_]
Scores = NDArray[np.floating]
Metric = Callable[[Truth, Scores], float]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


def macro_recall(truth: Truth, scores: Scores) -> float:
    """Mean over the classes that occur of the share of their files that got them ("class-normalised accuracy").

    Args:
        truth: exactly one class per file, shape [F, C].
        scores: the largest wins, shape [F, C].
    """
    hits = scores.argmax(axis=1) == truth.argmax(axis=1)
    counts = truth.sum(axis=0)
    recalls = (truth & hits[:, None]).sum(axis=0)[counts > 0] / counts[counts > 0]
    return float(recalls.mean())


def macro_precision(truth: Truth, scores: Scores) -> float:
    """Mean average precision over the classes that occur and do not always occur, for several labels per file."""
    usable = truth.any(axis=0) & ~truth.all(axis=0)
    if not usable.any():
        return 1.0
    return float(np.mean([average_precision_score(truth[:, c], scores[:, c]) for c in np.flatnonzero(usable)]))


def metric_for(*, multilabel: bool) -> tuple[str, Metric]:
    """Name and function of the score that decides."""
    return ("macro average precision", macro_precision) if multilabel else ("macro recall", macro_recall)


def resampled(
    truth: Truth, runs: Sequence[Scores], metric: Metric, count: int = RESAMPLES, seed: int = 0
) -> NDArray[np.float64]:
    """The metric, averaged over runs, on files drawn with replacement, shape [count]; a seed draws the same files."""
    random = np.random.default_rng(seed)
    draws = (random.integers(0, len(truth), len(truth)) for _ in range(count))
    return np.array([np.mean([metric(truth[draw], scores[draw]) for scores in runs]) for draw in draws])


def interval(truth: Truth, runs: Sequence[Scores], metric: Metric, count: int = RESAMPLES) -> Interval:
    """The metric, averaged over runs (seeds), with the percentile interval of the bootstrap over files.

    Efron & Tibshirani 1993, "An introduction to the bootstrap", chapter 13. It says how far the choice of the test
    files matters, nothing about other collections.
    """
    low, high = np.quantile(resampled(truth, runs, metric, count), (0.025, 0.975))
    return Interval(_mean(truth, runs, metric), float(low), float(high))


def difference(
    truth: Truth, ours: Sequence[Scores], theirs: Sequence[Scores], metric: Metric, count: int = RESAMPLES
) -> Interval:
    """The metric of `ours` minus that of `theirs`, with the interval over the same resampled files."""
    draws = resampled(truth, ours, metric, count) - resampled(truth, theirs, metric, count)
    low, high = np.quantile(draws, (0.025, 0.975))
    return Interval(_mean(truth, ours, metric) - _mean(truth, theirs, metric), float(low), float(high))


def _mean(truth: Truth, runs: Sequence[Scores], metric: Metric) -> float:
    return float(np.mean([metric(truth, scores) for scores in runs]))


def recalls(truth: Truth, scores: Scores) -> list[float | None]:
    """Recall of every class, None for classes that do not occur."""
    hits = scores.argmax(axis=1) == truth.argmax(axis=1)
    return [float(hits[truth[:, c]].mean()) if truth[:, c].any() else None for c in range(truth.shape[1])]
