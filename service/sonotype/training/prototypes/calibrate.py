"""The temperature of the probabilities, fitted on validation files (Guo et al. 2017, arXiv:1706.04599, section 4.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

_RANGE = (-7.0, 5.0)


def loss_at(
    log_temperature: float, logits: NDArray[np.floating], targets: NDArray[np.floating], multilabel: bool
) -> float:
    """Mean cross-entropy of targets [F, C] and logits [F, C] / temperature."""
    scaled = np.asarray(logits, dtype=np.float64) / np.exp(log_temperature)
    if multilabel:
        return float((np.logaddexp(0.0, scaled) - targets * scaled).mean())
    normaliser = np.logaddexp.reduce(scaled, axis=1, keepdims=True)
    return float((targets * (normaliser - scaled)).sum(axis=1).mean())


def fit_temperature(logits: NDArray[np.floating], truth: NDArray[np.bool_], *, multilabel: bool) -> float:
    """The temperature with the least cross-entropy.

    Targets are softened by one file in F + 2 (Platt 1999): without that, files that are told apart without a mistake
    would drive the temperature to zero.

    Args:
        logits: of files, shape [F, C].
        truth: shape [F, C].
        multilabel: sigmoid instead of softmax.
    """
    doubt = 1.0 / (len(truth) + 2)
    rest = 0.5 if multilabel else 1.0 / truth.shape[1]
    targets = (1.0 - doubt) * truth + doubt * rest
    found = minimize_scalar(loss_at, bounds=_RANGE, args=(logits, targets, multilabel), method="bounded")
    return float(np.exp(found.x))
