"""Scores of a head over files, by what it learns; the first of each task decides between seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
from sklearn.metrics import accuracy_score, mean_absolute_error, mean_squared_error, r2_score, roc_auc_score

from sonotype.core.types import Task
from sonotype.training.heads.corpus import Numbers
from sonotype.training.prototypes.metrics import Interval, interval, macro_precision, macro_recall

Score = Callable[[Numbers, Numbers], float]


def scores_of(task: Task) -> Mapping[str, Score]:
    """Scores by name, of targets and predictions [F, C]; those of values are means over the columns."""
    if task == "multiclass":
        return {"balanced accuracy": _recall, "accuracy": _accuracy}
    if task == "multilabel":
        return {"macro average precision": _precision, "macro ROC-AUC": _roc_auc}
    return {"CCC": _ccc, "Pearson": _pearson, "R2": _r2, "RMSE": _rmse, "MAE": _mae}


def with_intervals(task: Task, targets: Numbers, predicted: Numbers, resamples: int) -> dict[str, Interval]:
    """Every score with the 95 % interval of the bootstrap over files."""
    return {
        name: interval(cast(Any, targets), [predicted], cast(Any, score), resamples)
        for name, score in scores_of(task).items()
    }


def concordance(truth: Numbers, found: Numbers) -> float:
    """Lin's concordance correlation coefficient (Biometrics 45, 1989) of two series [F]."""
    covariance = float(((truth - truth.mean()) * (found - found.mean())).mean())
    bottom = float(truth.var() + found.var() + (truth.mean() - found.mean()) ** 2)
    return 2.0 * covariance / bottom if bottom > 0 else 1.0


def correlation(truth: Numbers, found: Numbers) -> float:
    """Pearson's coefficient of two series [F]; 0 where one does not vary."""
    if truth.std() == 0 or found.std() <= 1e-12 * (1.0 + abs(found.mean())):
        return 0.0
    return float(np.corrcoef(truth, found)[0, 1])


def _recall(targets: Numbers, predicted: Numbers) -> float:
    return macro_recall(targets > 0, predicted)


def _accuracy(targets: Numbers, predicted: Numbers) -> float:
    return float(accuracy_score(targets.argmax(axis=1), predicted.argmax(axis=1)))


def _precision(targets: Numbers, predicted: Numbers) -> float:
    return macro_precision(targets > 0, predicted)


def _roc_auc(targets: Numbers, predicted: Numbers) -> float:
    """Mean over the labels that some files have and some have not."""
    usable = np.flatnonzero((targets.max(axis=0) > 0) & (targets.min(axis=0) == 0))
    return float(np.mean([roc_auc_score(targets[:, c], predicted[:, c]) for c in usable])) if len(usable) else 1.0


def _ccc(targets: Numbers, predicted: Numbers) -> float:
    return float(np.mean([concordance(t, p) for t, p in zip(targets.T, predicted.T, strict=True)]))


def _pearson(targets: Numbers, predicted: Numbers) -> float:
    return float(np.mean([correlation(t, p) for t, p in zip(targets.T, predicted.T, strict=True)]))


def _r2(targets: Numbers, predicted: Numbers) -> float:
    return float(r2_score(targets, predicted)) if len(targets) > 1 else 0.0


def _rmse(targets: Numbers, predicted: Numbers) -> float:
    return float(np.mean(np.sqrt(mean_squared_error(targets, predicted, multioutput="raw_values"))))


def _mae(targets: Numbers, predicted: Numbers) -> float:
    return float(mean_absolute_error(targets, predicted))
