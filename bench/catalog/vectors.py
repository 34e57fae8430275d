"""Vectors like those of a music network, made on the spot: a mixture of clusters with decaying spectra.

The constants of `Mixture.default` were read off 11 520 embeddings of MusiCNN (200 dimensions, two halves of 5 760
songs), projected on the unit sphere: a mean of length 0.70, 0.51 of variance around it, of which 64 clusters (k-means)
explain 60 %; participation ratios of 13 (all), 8 (the centres) and 27 (within clusters); the spectra fall like
k^-0.8 up to about the tenth direction and like k^-1.9 beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_MEAN, _VARIANCE, _BETWEEN = 0.70, 0.51, 0.60
_CLUSTERS = 64
_BLOCK = 50_000


@dataclass(frozen=True)
class Mixture:
    """Clusters on the unit sphere.

    Attributes:
        centres: of the clusters. Shape `[C, D]`.
        weights: share of each cluster. Shape `[C]`, sums to 1.
        factor: what to multiply white noise with to get the spread that all clusters share. Shape `[D, D]`.
        scales: of that spread, one per cluster. Shape `[C]`.
    """

    centres: Floats
    weights: NDArray[np.float64]
    factor: Floats
    scales: Floats

    @classmethod
    def default(cls, dims: int = 200, clusters: int = _CLUSTERS, seed: int = 7) -> Mixture:
        """The documented stand-in for MusiCNN: fitted to nothing, its constants are in the module's docstring."""
        rng = np.random.default_rng(seed)
        axes = np.linalg.qr(rng.normal(size=(dims, dims)))[0]
        centres = rng.normal(size=(clusters, dims)) * np.sqrt(_spectrum(dims, 6, 0.7, 3.0))
        centres *= np.sqrt(_VARIANCE * _BETWEEN)
        centres[:, -1] += _MEAN
        spread = np.sqrt(_VARIANCE * (1 - _BETWEEN) * _spectrum(dims, 10, 0.5, 1.9))
        sizes = rng.lognormal(sigma=0.4, size=clusters)
        scales = rng.lognormal(sigma=0.17, size=clusters)
        scales /= np.sqrt(np.average(scales**2, weights=sizes))
        factor = spread[:, None] * axes
        return cls(
            (centres @ axes).astype(np.float32),
            sizes / sizes.sum(),
            factor.astype(np.float32),
            scales.astype(np.float32),
        )

    @classmethod
    def fit(cls, embeddings: Floats, clusters: int = _CLUSTERS, seed: int = 7) -> Mixture:
        """Clusters by k-means, and the covariance within them."""
        values, rng = unit(embeddings), np.random.default_rng(seed)
        centres = values[rng.choice(len(values), clusters, replace=False)]
        for _ in range(20):
            nearest = _nearest(values, centres)
            for number in np.unique(nearest):
                centres[number] = values[nearest == number].mean(axis=0)
        nearest = _nearest(values, centres)
        rest = values - centres[nearest]
        sizes = np.bincount(nearest, minlength=clusters)
        variances = np.bincount(nearest, (rest**2).sum(axis=1), clusters) / np.maximum(sizes, 1)
        scales = np.sqrt(variances / np.average(variances, weights=sizes))
        values_, vectors = np.linalg.eigh(np.cov(rest.T))
        factor = np.sqrt(values_.clip(0))[:, None] * vectors.T
        return cls(centres, sizes / sizes.sum(), factor.astype(np.float32), scales.astype(np.float32))

    def draw(self, count: int, seed: int) -> tuple[Floats, NDArray[np.int32]]:
        """Unit vectors and the cluster of each; another seed gives held-out ones."""
        rng = np.random.default_rng(seed)
        found = rng.choice(len(self.weights), count, p=self.weights).astype(np.int32)
        values = np.empty((count, self.factor.shape[1]), dtype=np.float32)
        for begin in range(0, count, _BLOCK):
            part = found[begin : begin + _BLOCK]
            noise = rng.standard_normal((len(part), len(self.factor)), dtype=np.float32) @ self.factor
            values[begin : begin + _BLOCK] = unit(self.centres[part] + self.scales[part, None] * noise)
        return values, found


def gaussian(count: int, seed: int, dims: int = 200) -> tuple[Floats, NDArray[np.int32]]:
    """Independent normal coordinates, projected: no structure at all, the worst case of any graph index."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((count, dims), dtype=np.float32)
    return unit(values), (np.argmax(values[:, :_CLUSTERS], axis=1)).astype(np.int32)


def load(path: Path, key: str = "penultimate") -> Floats:
    """Embeddings to model from. Shape `[N, D]`."""
    with np.load(path, allow_pickle=False) as archive:
        return np.ascontiguousarray(archive[key], dtype=np.float32)


def unit(values: Floats) -> Floats:
    """Rows of length 1, so that inner products are cosines."""
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), dtype=np.float32)


def _spectrum(dims: int, knee: int, head: float, tail: float) -> NDArray[np.float64]:
    """Variances that sum to 1 and fall like `k^-head` up to the knee and like `k^-tail` beyond."""
    k = np.arange(1, dims + 1)
    values = np.where(k <= knee, k**-head, knee**-head * (k / knee) ** -tail)
    return values / values.sum()


def _nearest(values: Floats, centres: Floats) -> NDArray[np.intp]:
    return np.argmin((centres**2).sum(axis=1) - 2 * values @ centres.T, axis=1)
