"""The fixed sample of a generation: how near everything is to everybody, the input of mutual proximity.

Schnitzer, Flexer, Schedl & Widmer, "Local and global scaling reduce hubs in space", JMLR 13 (2012): the distances of an
object to all others are summed up as a normal distribution (section 3.2.2), which a random sample estimates as well.
"""

from __future__ import annotations

import numpy as np

from sonotype.catalog.index.values import Integers
from sonotype.core.types import Floats

SAMPLE = 512
LEAST = 256  # tracks from which a generation has a sample
_GROWTH = 4  # times as many tracks as at the last choice make it too old: the first ones are often by few artists
_SEED = 20_120_815


def due(live: int, chosen_at: int) -> bool:
    """Whether a sample should be chosen, with so many tracks now and at the last choice (0: never)."""
    return live >= max(LEAST, _GROWTH * chosen_at)


def choose(positions: Integers) -> Integers:
    """A random part of the live positions [n], ascending, always the same for the same positions."""
    rng = np.random.default_rng((_SEED, len(positions)))
    return np.sort(rng.choice(positions, min(SAMPLE, len(positions)), replace=False))


def statistics(vectors: Floats, sample: Floats) -> tuple[Floats, Floats]:
    """Mean [n] and standard deviation [n] of the cosines of unit vectors [n, D] to the sample [m, D]; 0 if m is 0."""
    if not len(sample):
        nothing = np.zeros(len(vectors), np.float32)
        return nothing, nothing.copy()
    cosines = vectors @ sample.T
    return cosines.mean(axis=1), cosines.std(axis=1)
