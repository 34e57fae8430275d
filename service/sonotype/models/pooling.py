"""From the rows of patches to the vector of a clip."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sonotype.core.types import Floats, PatchReport


def patch_weights(report: PatchReport) -> NDArray[np.float64]:
    """How much each patch counts in the mean over a clip, shape [count].

    All count the same but a last patch that was moved back to the end of the clip (`align`): it counts by the part of
    a hop that no patch before it has covered, so that no audio counts twice.
    """
    weights = np.ones(report.count)
    if report.overlap_s > 0:
        weights[-1] = (report.length_s - report.overlap_s) / min(report.hop_s, report.length_s)
    return weights


def pooled(rows: Floats, report: PatchReport, how: Literal["mean", "max"] = "mean") -> Floats:
    """The weighted mean, or the maximum, over patches.

    Args:
        rows: shape [count, dim].
        report: how the clip was cut.
        how: `max` knows no weights.

    Returns:
        Shape [dim].
    """
    if how == "max":
        return np.asarray(rows.max(axis=0), dtype=np.float32)
    if report.overlap_s > 0:
        return np.asarray(np.average(rows, axis=0, weights=patch_weights(report)), dtype=np.float32)
    return np.asarray(rows.mean(axis=0, dtype=np.float64), dtype=np.float32)
