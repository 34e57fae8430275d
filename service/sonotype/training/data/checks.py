"""What a phrase must be like to be kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sonotype.training.data.room import Samples

RATE_HZ = 24_000
_FRAME = 2048
_QUIET = 10 ** (-50 / 20)
_SOUNDING = 0.6
_LONGEST_PAUSE_S = 1.3
_FULL_SCALE = 0.999


def refusal(samples: Samples, *, peak_matters: bool) -> str:
    """Why a render must not be kept: `not finite`, `clipped` or `silent`; empty for a good one."""
    if not np.isfinite(samples).all():
        return "not finite"
    peak = float(np.abs(samples).max(initial=0.0))
    if peak_matters and peak >= _FULL_SCALE:
        return "clipped"
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    sounding = np.sqrt(np.mean(frames.astype(np.float64) ** 2, axis=1)) > _QUIET * peak
    if peak < 1e-4 or np.mean(sounding) < _SOUNDING or _longest_pause(sounding) * _FRAME > _LONGEST_PAUSE_S * RATE_HZ:
        return "silent"
    return ""


def _longest_pause(sounding: npt.NDArray[np.bool_]) -> int:
    """The longest run of frames without sound: a segment of three seconds must not fall into a pause."""
    edges = np.flatnonzero(np.concatenate([[True], sounding, [True]]))
    return int(np.max(np.diff(edges))) - 1
