"""Mutual proximity: two tracks are near when each of them is nearer to the other than to most.

In many dimensions some points are among the nearest neighbours of nearly everything (hubs) and many of nothing
(Radovanović, Nanopoulos & Ivanović, JMLR 2010). Mutual proximity (Schnitzer, Flexer, Schedl & Widmer, JMLR 2012)
replaces a distance by the probability that it is small for both ends. We take their form with independent normal
distributions, on cosines, whose mean and deviation to a fixed sample of the catalogue stand beside every track.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sonotype.core.types import Floats

Doubles = NDArray[np.float64]

MIN_SAMPLE = 128
"""With fewer sampled tracks the error of their mean and deviation makes hubs of its own (docs/similarity.md)."""
_FLOOR = 1e-6
_ASYMPTOTIC = -30.0


def statistics(vectors: Floats, sample: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the cosines of each vector to a sample.

    Args:
        vectors: of unit length, shape [n, D].
        sample: of unit length, shape [m, D]; a vector's own copy in it (cosine 1) is left to count: one of m.

    Returns:
        Two arrays of shape [n]; zeros where m is 0.
    """
    if not len(sample):
        return np.zeros(len(vectors), np.float32), np.zeros(len(vectors), np.float32)
    cosines = vectors @ sample.T
    mean, std = cosines.mean(axis=1, dtype=np.float64), cosines.std(axis=1, dtype=np.float64)
    return mean.astype(np.float32), std.astype(np.float32)


def log_mutual_proximity(cosine: Floats, mean_x: Floats, std_x: Floats, mean_y: Floats, std_y: Floats) -> Doubles:
    """Natural logarithm of the mutual proximity of pairs (x, y), elementwise; arguments broadcast.

    log MP = log F((s - mean_x) / std_x) + log F((s - mean_y) / std_y), F the standard normal distribution. It is
    the product of the survival functions of Schnitzer et al. with a cosine s in place of a distance, which turns them
    into distribution functions. The logarithm orders pairs that are both so near that MP itself rounds to 1.

    Returns:
        -inf < log MP <= 0, of the broadcast shape.
    """
    return _log_normal_cdf(_standard(cosine, mean_x, std_x)) + _log_normal_cdf(_standard(cosine, mean_y, std_y))


def _standard(cosine: Floats, mean: Floats, std: Floats) -> Doubles:
    wide = np.subtract(cosine, mean, dtype=np.float64)
    return wide / np.maximum(std, _FLOOR, dtype=np.float64)


def _log_cdf(z: float) -> float:
    """Logarithm of F(z), with full relative precision on both sides (Abramowitz & Stegun 26.2.12 for the far left)."""
    if z > 0.0:
        return math.log1p(-0.5 * math.erfc(z * math.sqrt(0.5)))
    if z > _ASYMPTOTIC:
        return math.log(0.5 * math.erfc(-z * math.sqrt(0.5)))
    square = 1.0 / (z * z)
    return -0.5 * z * z - math.log(-z * math.sqrt(2 * math.pi)) + math.log1p(square * (-1 + square * (3 - 15 * square)))


def _log_normal_cdf(z: Doubles) -> Doubles:
    return np.fromiter(map(_log_cdf, z.ravel().tolist()), np.float64, z.size).reshape(z.shape)
