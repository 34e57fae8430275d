"""How mixed and how wide parts are: what a split gains and a merge costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sonotype.models.multilabel.samples import Doubles, Ints


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts how much: every label, shape [L], and the scatter of positions against them."""

    labels: Doubles
    scatter: float


def entropies(yes: Ints, no: Ints) -> Doubles:
    """Bernoulli entropy of every count of yes and no, times their sum, in nats; the shape of the counts."""
    said = yes + no
    return np.asarray(_times_log(said) - _times_log(yes) - _times_log(no))


def scatter(weight: Ints, sums: Doubles) -> Doubles:
    """Sum of squared distances from the mean of parts of unit vectors, shape [m].

    Args:
        weight: members of each part, shape [m].
        sums: of their vectors, shape [m, D].
    """
    return np.asarray(np.maximum(0.0, weight - np.einsum("ij,ij->i", sums, sums) / np.maximum(weight, 1)))


def impurity(weight: Ints, sums: Doubles, yes: Ints, no: Ints, weights: Weights) -> Doubles:
    """Entropy of the labels and scatter of the positions of parts, weighted, shape [m]."""
    return np.asarray(entropies(yes, no) @ weights.labels + weights.scatter * scatter(weight, sums))


def weigh(sums: Doubles, n: int, yes: Ints, no: Ints, share: float = 0.5) -> Weights:
    """Weights under which the labels of a whole corpus count 1 and its scatter `share`.

    The rarer a label, the more it counts; one that nobody or everybody carries counts, but cannot become purer.

    Args:
        sums: of all vectors, shape [D].
        n: how many there are.
        yes: tracks that carry each label, shape [L].
        no: tracks that do not.
        share: of the scatter.
    """
    labels = 1.0 / np.sqrt(np.maximum(yes, 1))
    mixed = float(labels @ entropies(yes, no))
    wide = float(scatter(np.array([n]), sums[None])[0])
    return Weights(labels / (mixed or 1.0), share / (wide or 1.0))


def _times_log(count: Ints) -> Doubles:
    return np.asarray(count * np.log(np.maximum(count, 1)))
