"""k-means from given centres: Lloyd's algorithm without drawing, without moving empty clusters elsewhere."""

from __future__ import annotations

import numpy as np

from sonotype.models.multilabel.samples import Doubles, Ints, Matrix


def assign(x: Matrix, centres: Doubles, rounds: int = 100) -> Ints:
    """The nearest centre of every sample after at most `rounds` of moving the centres to their means, shape [n].

    Of equally near centres the first wins. A centre that is nobody's nearest stays where it is, so the outcome
    depends neither on chance nor on the order of the samples.
    """
    centres = centres.copy()
    nearest = _nearest(x, centres)
    for _ in range(rounds):
        _move(x, centres, nearest)
        now = _nearest(x, centres)
        if np.array_equal(now, nearest):
            break
        nearest = now
    return nearest


def _nearest(x: Matrix, centres: Doubles) -> Ints:
    # the squared length of the sample is the same for all centres
    scores = np.asarray(x @ centres.T) - 0.5 * np.einsum("ij,ij->i", centres, centres)
    return np.asarray(scores.argmax(axis=1))


def _move(x: Matrix, centres: Doubles, nearest: Ints) -> None:
    for number in range(len(centres)):
        own = nearest == number
        if own.any():
            centres[number] = np.asarray(x[own].mean(axis=0)).reshape(-1)
