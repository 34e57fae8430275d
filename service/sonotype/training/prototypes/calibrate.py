"""The temperature of the probabilities, fitted on validation files (Guo et al. 2017, arXiv:1706.04599, section 4.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

_RANGE = (-7.0, 5.0)


def loss_at(log_temperature: float, logits: NDArray[np.floating], truth: NDArray[np.bool_], multilabel: bool) -> float:
    """Mean negative log-likelihood of truth [F, C] at logits [F, C] / temperature."""
    scaled = np.asarray(logits, dtype=np.float64) / np.exp(log_temperature)
    if multilabel:
        return float(np.logaddexp(0.0, np.where(truth, -scaled, scaled)).mean())
    normaliser = np.logaddexp.reduce(scaled, axis=1)
    return float((normaliser - scaled[truth]).mean())


def fit_temperature(logits: NDArray[np.floating], truth: NDArray[np.bool_], *, multilabel: bool) -> float:
    """The temperature with the least negative log-likelihood.

    Args:
        logits: of files, shape [F, C].
        truth: shape [F, C].
        multilabel: sigmoid instead of softmax.
    """
    found = minimize_scalar(loss_at, bounds=_RANGE, args=(logits, truth, multilabel), method="bounded")
    return float(np.exp(found.x))
