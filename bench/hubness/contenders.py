"""Corrections of hubness: what turns a block of cosines into a block of scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from bench.hubness.corpus import Floats

Rows = NDArray[np.int64]
Score = Callable[[Rows, Floats, Rows], NDArray[np.floating]]
"""`score(queries [b], cosines [b, c], tracks [b or 1, c])`: larger is nearer, shape `[b, c]`."""


@dataclass(frozen=True)
class Contender:
    """A named correction; `sample` is how many tracks its statistics rest on, 0 where it needs none."""

    name: str
    sample: int
    score: Score


def cosine() -> Contender:
    """As it is."""
    return Contender("cosine", 0, lambda _queries, cosines, _tracks: cosines)


def centred(vectors: Floats) -> Contender:
    """Cosine after the mean is subtracted (Suzuki et al., EMNLP 2013)."""
    moved = vectors - vectors.mean(axis=0)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)

    def score(queries: Rows, _cosines: Floats, tracks: Rows) -> NDArray[np.floating]:
        if len(tracks) == 1:
            return moved[queries] @ moved[tracks[0]].T
        return np.einsum("bd,bcd->bc", moved[queries], moved[tracks])

    return Contender("centred cosine", len(vectors), score)


def mutual_proximity(vectors: Floats, size: int, seed: int) -> Contender:
    """Independent normal form (Schnitzer et al. 2012), statistics from a sample as the service keeps it."""
    chosen = np.random.default_rng(seed).choice(len(vectors), min(size, len(vectors)), replace=False)
    against = vectors @ vectors[chosen].T
    mean, std = against.mean(axis=1), against.std(axis=1)

    def score(queries: Rows, cosines: Floats, tracks: Rows) -> NDArray[np.floating]:
        mine = (cosines - mean[queries][:, None]) / std[queries][:, None]
        return log_ndtr(mine) + log_ndtr((cosines - mean[tracks]) / std[tracks])

    return Contender("mutual proximity", size, score)


def local_scaling(vectors: Floats, near: int = 10, block: int = 512) -> Contender:
    """NICDM (Schnitzer et al. 2012): distance over the geometric mean of both reaches."""
    reach = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), block):
        distance = 1 - vectors[start : start + block] @ vectors.T
        # The nearest of all is the track itself.
        reach[start : start + block] = np.partition(distance, near, axis=1)[:, 1 : near + 1].mean(axis=1)
    reach = np.maximum(reach, 1e-6)

    def score(queries: Rows, cosines: Floats, tracks: Rows) -> NDArray[np.floating]:
        return (cosines - 1) / np.sqrt(reach[queries][:, None] * reach[tracks])

    return Contender("local scaling (NICDM)", len(vectors), score)
