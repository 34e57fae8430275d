"""From samples as they stand in a stream to mono, by the rules of `audio.clip`."""

from __future__ import annotations

import numpy as np

from sonotype.audio.clip import CEILING, mean_of_channels
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats


def to_mono(samples: Floats) -> Floats:
    """The mean over the channels of checked samples.

    Args:
        samples: full scale 1.0, shape [n, channels].

    Returns:
        Shape [n]; a new array.

    Raises:
        SonotypeError: NON_FINITE.
    """
    if not len(samples):
        return np.empty(0, np.float32)
    peak = max(float(samples.max()), -float(samples.min()))
    if not np.isfinite(peak):
        raise SonotypeError(Code.NON_FINITE, "The audio holds samples that are not finite.")
    if peak > CEILING:
        samples = np.clip(samples, -CEILING, CEILING)
    return mean_of_channels(samples)
