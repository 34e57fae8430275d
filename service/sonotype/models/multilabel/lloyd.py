"""k-means from given centres: Lloyd's algorithm without drawing, without moving empty clusters elsewhere."""

from __future__ import annotations

import numpy as np

from sonotype.models.multilabel.distances import ROUNDING, norms
from sonotype.models.multilabel.middles import mean, row
from sonotype.models.multilabel.samples import Doubles, Ints, Matrix


def assign(x: Matrix, centres: Doubles, rounds: int = 100) -> Ints:
    """The nearest centre of every sample after at most `rounds` of moving the centres to their means, shape [n].

    Of equally near centres the first wins, where rounding alone tells them apart too, so that equal samples stay
    together. A centre that is nobody's nearest stays where it is, so the outcome depends neither on chance nor on the
    order of the samples.
    """
    centres, lengths = centres.copy(), norms(x)
    nearest = _nearest(x, lengths, centres)
    for _ in range(rounds):
        _move(x, centres, nearest)
        now = _nearest(x, lengths, centres)
        if np.array_equal(now, nearest):
            break
        nearest = now
    return nearest


def ends(x: Matrix, sweeps: int) -> Doubles:
    """Two samples far from each other, shape [2, d]: the farthest from the mean, the farthest from that, and so on."""
    lengths, here = norms(x), mean(x)
    found = [here, here]
    for _ in range(sweeps):
        here = row(x, int((lengths - 2.0 * np.asarray(x @ here)).argmax()))
        found = [found[1], here]
    return np.stack(found)


def _nearest(x: Matrix, lengths: Doubles, centres: Doubles) -> Ints:
    # the squared length of the sample is the same for all centres
    own = norms(centres)
    scores = np.asarray(x @ centres.T) - 0.5 * own
    least = scores.max(axis=1) - ROUNDING * (lengths + own.max())
    return np.asarray((scores >= least[:, None]).argmax(axis=1))


def _move(x: Matrix, centres: Doubles, nearest: Ints) -> None:
    for number in range(len(centres)):
        own = nearest == number
        if own.any():
            centres[number] = mean(x[own])
