"""All badges of a model in one row, with bootstrap intervals, and the verdict on the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonotype.evaluation.faithfulness import Trial, share
from sonotype.evaluation.thresholds import Measures, Verdict, verdicts
from sonotype.models.heads.provenance import Badge

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over items and its bootstrap interval (95 %, percentile method, items resampled)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Summary:
    """One kind of sonification over all its items.

    `reciprocal_rank` is the mean of 1 / rank (MRR). `certainty` is the mean probability that the classifier gives
    the right class (TCC), `judge_certainty` the same of the judge. `passed` is the share of items whose badge says
    so. `verdicts` hold the means against the thresholds.
    """

    items: int
    cosine: Interval
    ceiling: Interval
    share: Interval
    retrieval: Interval
    reciprocal_rank: Interval
    classifier: Interval
    certainty: Interval
    judge: Interval
    judge_certainty: Interval
    seeds: Interval
    null_other: Interval
    null_zero: Interval
    passed: Interval
    verdicts: tuple[Verdict, ...]


def summarise(badges: Sequence[Badge], trial: Trial) -> Summary:
    """Put the badges of one trial together."""
    m = len(badges)
    own = [int(owner) for owner in trial.owners]
    certainty = [np.mean([h.classifier[c] for h in heard]) for c, heard in zip(own, trial.heard, strict=True)]
    judge_certainty = [np.mean([h.judge[c] for h in heard]) for c, heard in zip(own, trial.heard, strict=True)]
    columns = {
        name: interval([getattr(badge, name) for badge in badges])
        for name in ("cosine", "ceiling", "retrieval", "classifier", "judge", "seeds", "null_other", "null_zero")
    }
    pairs = np.array([[badge.cosine, badge.ceiling] for badge in badges])
    # the ratio of the means: a mean of ratios would be ruled by the items with the lowest ceilings
    of_ceiling = bootstrap(m, lambda chosen: share(*pairs[chosen].mean(axis=0).tolist()))
    measures = Measures(
        share=of_ceiling.value, **{name: found.value for name, found in columns.items() if name != "ceiling"}
    )
    return Summary(
        items=m,
        share=of_ceiling,
        reciprocal_rank=interval([np.mean([1 / score.rank for score in badge.scores]) for badge in badges]),
        certainty=interval(certainty),
        judge_certainty=interval(judge_certainty),
        passed=interval([badge.passed for badge in badges]),
        verdicts=verdicts(measures),
        **columns,
    )


def interval(values: Sequence[float | np.floating]) -> Interval:
    """Mean of values with its interval."""
    numbers = np.asarray(values, dtype=np.float64)
    return _interval(float(numbers.mean()), numbers[_draws(len(numbers))].mean(axis=1))


def bootstrap(n: int, statistic: Callable[[NDArray[np.int64]], float]) -> Interval:
    """A statistic of n items with its percentile interval (Efron & Tibshirani 1993, section 13.3).

    Args:
        n: number of items.
        statistic: maps indices of items, repeated or left out, to a number.
    """
    return _interval(statistic(np.arange(n)), [statistic(drawn) for drawn in _draws(n)])


def _draws(n: int) -> NDArray[np.int64]:
    """Items drawn again and again with replacement, shape [RESAMPLES, n]; always the same."""
    return np.random.default_rng(0).integers(n, size=(RESAMPLES, n))


def _interval(value: float, resampled: Sequence[float] | NDArray[np.float64]) -> Interval:
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(resampled, [tail, 100 - tail])
    return Interval(value, float(low), float(high))


def macro_recall(truth: NDArray[np.str_], found: NDArray[np.str_]) -> float:
    """Mean over the classes that occur of how often they are found; scikit-learn's, without its checks.

    Args:
        truth: the class of each item, shape [n].
        found: what was said of it, shape [n].
    """
    classes, places = np.unique(truth, return_inverse=True)
    hits = np.bincount(places, weights=truth == found, minlength=len(classes))
    return float((hits / np.bincount(places, minlength=len(classes))).mean())
