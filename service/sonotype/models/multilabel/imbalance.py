"""Rare labels and wrong ones: editing before, and protection during, prototype generation.

Valero-Mas, Penarrubia, Castellanos, Gallego, Calvo-Zaragoza, Pattern Recognition 2025 (doi
10.1016/j.patcog.2025.111884), and for MLeNN Charte, Rivera, del Jesus, Herrera, IDEAL 2014.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from sonotype.models.multilabel.distances import nearest
from sonotype.models.multilabel.samples import Bools, Doubles, Ints, Matrix, Samples

Policy = Literal["I", "II"]
_NEIGHBOURS = 5
_DIFFERENCE = 0.5


def imbalance(y: Bools) -> Doubles:
    """How much rarer every label is than the most frequent one (IRLbl), shape [L], from 1 on.

    A label that no sample carries counts as if one did.
    """
    counts = np.maximum(y.sum(axis=0), 1)
    return np.asarray(counts.max() / counts)


def rare(y: Bools) -> Bools:
    """The labels that are rarer than the mean label (MeanIR), shape [L]."""
    found = imbalance(y)
    return np.asarray(found > found.mean())


def excluded(y: Bools) -> Bools:
    """The samples with a rare label, which ExcludingSamples keeps as they are, shape [n]."""
    return np.asarray(y[:, rare(y)].any(axis=1))


def by_policy(counts: Doubles, sizes: Doubles, y: Bools, policy: Policy) -> Doubles:
    """Labels of prototypes that favour rare ones, 0 or 1, shape [m, L].

    Args:
        counts: samples of every prototype that carry each label, shape [m, L].
        sizes: samples of every prototype, shape [m, 1].
        y: labels of the whole corpus.
        policy: `I` lowers the majority that a label needs by its imbalance; `II` switches a rare label on wherever
            one sample carries it.
    """
    if policy == "I":
        return np.asarray((counts > np.floor(sizes // 2 / imbalance(y))).astype(np.float64))
    return np.asarray(((counts > sizes // 2) | ((counts > 0) & rare(y))).astype(np.float64))


def edited(x: Matrix, y: Bools) -> Ints:
    """The samples that MLeNN keeps: those with a rare label, and those whose labels are like their neighbours'.

    Of five neighbours half, rounded up, must not differ by more than one half in adjusted Hamming distance: labels
    that differ over labels that either carries twice counted. Two samples without labels do not differ (the published
    code divides by zero there).
    """
    samples = Samples.of(x, y).near_zero()
    k = min(_NEIGHBOURS, samples.n - 1)
    if not k:
        return np.arange(samples.n)
    # one more, as the sample itself is among them
    _, near = nearest(samples.x, samples.x, k + 1)
    differs = np.stack([_differences(samples.y, near[:, place]) for place in range(k + 1)], axis=1) > _DIFFERENCE
    is_other = near != np.arange(samples.n)[:, None]
    is_other[is_other.all(axis=1), -1] = False
    opposed = (differs & is_other).sum(axis=1)
    return np.flatnonzero(excluded(samples.y) | (2 * opposed < k))


def _differences(y: Bools, other: Ints) -> Doubles:
    active = y.sum(axis=1) + y[other].sum(axis=1)
    return np.asarray((y ^ y[other]).sum(axis=1) / np.maximum(active, 1))
