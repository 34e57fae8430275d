"""The loss of whole files, which ends a training and fits the temperature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from sonotype.core.types import Task
from sonotype.models.heads.transfer import activate
from sonotype.training.heads.corpus import Numbers, Part

_LOG_TEMPERATURES = (-3.0, 3.0)
_LEAST = 1e-7


def file_weights(task: Task, part: Part, *, balanced: bool) -> Numbers:
    """How much every file counts, mean 1, shape [F]: the same, or so that every class counts the same."""
    if task != "multiclass" or not balanced:
        return np.ones(len(part.targets))
    counts = part.targets.sum(axis=0)
    weights = 1.0 / counts[part.targets.argmax(axis=1)]
    return np.asarray(weights / weights.mean())


def predictions(task: Task, part: Part, outputs: NDArray[np.floating], temperature: float = 1.0) -> Numbers:
    """What the head says of every file, the mean over its patches, shape [F, C], from outputs [N, C]."""
    return part.pool(activate(outputs, task, temperature))


def file_loss(task: Task, part: Part, predicted: Numbers, weights: Numbers | None = None) -> float:
    """Mean loss of predictions [F, C]: cross-entropy, of labels binary, of values the squared error."""
    if task == "regression":
        losses = ((predicted - part.targets) ** 2).mean(axis=1)
    else:
        targets, p = part.targets, np.clip(predicted, _LEAST, 1.0 - _LEAST)
        terms = -targets * np.log(p)
        losses = terms.sum(axis=1) if task == "multiclass" else (terms - (1 - targets) * np.log1p(-p)).mean(axis=1)
    return float(np.average(losses, weights=weights))


def fit_temperature(task: Task, part: Part, outputs: NDArray[np.floating]) -> float:
    """The temperature with the least cross-entropy of whole files (Guo et al. 2017, arXiv:1706.04599, section 4.2).

    Targets are softened by one file in F + 2 (Platt 1999): without that, files that are told apart without a mistake
    would drive the temperature to zero.
    """
    if task == "regression":
        return 1.0
    doubt = 1.0 / (len(part.targets) + 2)
    rest = 0.5 if task == "multilabel" else 1.0 / part.targets.shape[1]
    soft = Part(part.points, part.file, (1.0 - doubt) * part.targets + doubt * rest)

    def loss(log_temperature: float) -> float:
        return file_loss(task, soft, predictions(task, soft, outputs, float(np.exp(log_temperature))))

    found = minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded")
    return float(np.exp(found.x))
