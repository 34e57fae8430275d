"""Where prototypes begin: k-means of every class, row after row in the order of the classes.

The published code joins the centres of all classes along the feature axis and then reshapes them, which scrambles
them as soon as a class has more than one: nearly every prototype then starts in the region of another class. Accuracy
recovers, variety does not. Here the rows of one class follow those of the one before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from sonotype.core.types import Floats
from sonotype.training.prototypes.corpus import Corpus
from sonotype.training.prototypes.options import PrototypeOptions


def owners_of(n_classes: int, per_class: int) -> NDArray[np.int64]:
    """Class of every prototype: K of the first class, K of the second and so on, shape [C * K]."""
    return np.repeat(np.arange(n_classes, dtype=np.int64), per_class)


def initial_prototypes(corpus: Corpus, options: PrototypeOptions, seed: int) -> Floats:
    """First prototypes [C * K, D], ordered as `owners_of` says."""
    k, n_classes = options.per_class, corpus.truth.shape[1]
    if options.initialise == "random":
        random = np.random.default_rng(seed)
        return random.normal(size=(k * n_classes, corpus.points.shape[1])).astype(np.float32)
    truth = corpus.segment_truth
    centres = [_centres(corpus.points[truth[:, c]], k, seed) for c in range(n_classes)]
    if options.initialise == "kmeans-samples":
        centres = [_snap(centre, corpus.points[truth[:, c]]) for c, centre in enumerate(centres)]
    return np.concatenate(centres).astype(np.float32)


def _centres(points: Floats, k: int, seed: int) -> Floats:
    """K centres of the points of one class; with fewer different points than K, some with a little noise twice."""
    different = np.unique(points, axis=0)
    found = KMeans(min(k, len(different)), n_init=4, random_state=seed).fit(points).cluster_centers_
    missing = k - len(found)
    if missing > 0:
        random = np.random.default_rng(seed)
        again: Sequence[int] = random.integers(0, len(found), missing).tolist()
        found = np.concatenate([found, found[again] + random.normal(scale=1e-2, size=(missing, points.shape[1]))])
    return np.asarray(found, dtype=np.float32)


def _snap(centres: Floats, points: Floats) -> Floats:
    """The point nearest to each centre."""
    distances = ((centres[:, None] - points[None]) ** 2).sum(axis=-1)
    return np.asarray(points[distances.argmin(axis=1)])
