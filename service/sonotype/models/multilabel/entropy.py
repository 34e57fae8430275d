"""Splitting by labels: the split that lowers the label entropy most comes first. Our own method, for embeddings.

A multilabel clustering tree: the impurity of a part is the sum over labels of the Bernoulli entropy of its share,
times its samples. Every part is cut by 2-means, seeded once by its two ends and once by each of its most uncertain
labels (the mean of those with against those without); the cut that gains most is kept. Rare labels weigh more.
"""

from __future__ import annotations

import heapq

import numpy as np

from sonotype.models.multilabel.impurity import Weights, entropies
from sonotype.models.multilabel.lloyd import assign, ends
from sonotype.models.multilabel.middles import mean
from sonotype.models.multilabel.parts import Growing, Tree
from sonotype.models.multilabel.samples import Bools, Doubles, Matrix, Samples

_LABELS = 4  # that seed cuts of a part
_SWEEPS = 2  # for the two ends of a part
_ROUNDS = 1  # of moving the two centres of a cut; more do not make better sets


def by_entropy(samples: Samples, budget: int, *, scatter: float = 1.0) -> Tree:
    """Split the part whose best cut lowers impurity most, until there are `budget` parts.

    Args:
        samples: the corpus.
        budget: parts to make. The splits of a small budget are the first ones of a larger budget.
        scatter: how much the scatter of positions counts beside the entropy of labels; both are taken relative to
            their value in the whole corpus.
    """
    weights = _weights(samples, scatter)
    tree = Growing(np.arange(samples.n))
    heap: list[tuple[float, int, Bools]] = []

    def offer(node: int) -> None:
        members = tree.nodes[node]
        gain, side = _best(samples.x[members], samples.y[members], weights)
        if gain > 0:
            heapq.heappush(heap, (-gain, node, side))

    offer(0)
    while heap and len(tree.splits) < budget - 1:
        _, node, side = heapq.heappop(heap)
        members = tree.nodes[node]
        for child in tree.split(node, [members[~side], members[side]]):
            offer(child)
    return Tree(tree.nodes, tree.splits)


def _weights(samples: Samples, scatter: float) -> Weights:
    counts = samples.y.sum(axis=0)
    # the rarer, the more; a label that nobody or everybody carries cannot become purer
    labels = 1.0 / np.sqrt(np.maximum(counts, 1.0))
    entropy = float((labels * _entropies(samples.y)).sum())
    spread = _scatter(samples.x)
    return Weights(labels / (entropy or 1.0), scatter / (spread or 1.0))


def _best(x: Matrix, y: Bools, weights: Weights) -> tuple[float, Bools]:
    """The largest gain, zero where no cut gains anything, and the cut that brings it."""
    best, cut = 0.0, np.zeros(len(y), dtype=np.bool_)
    if len(y) < 2:
        return best, cut
    whole = _impurity(x, y, weights)
    for seeds in _seeds(x, y, weights):
        side = assign(x, seeds, _ROUNDS).astype(np.bool_)
        if side.all() or not side.any():
            continue
        gain = whole - _impurity(x[side], y[side], weights) - _impurity(x[~side], y[~side], weights)
        if gain > best:
            best, cut = gain, side
    return best, cut


def _seeds(x: Matrix, y: Bools, weights: Weights) -> list[Doubles]:
    """Two centres for every cut to try."""
    entropies = weights.labels * _entropies(y)
    uncertain = [label for label in np.argsort(-entropies, kind="stable")[:_LABELS] if entropies[label] > 0]
    found = [np.stack([mean(x[y[:, label]]), mean(x[~y[:, label]])]) for label in uncertain]
    return [*found, ends(x, _SWEEPS)]


def _impurity(x: Matrix, y: Bools, weights: Weights) -> float:
    return float(weights.labels @ _entropies(y)) + weights.scatter * _scatter(x)


def _entropies(y: Bools) -> Doubles:
    """Of every label, shape [L]."""
    on = y.sum(axis=0)
    return entropies(on, len(y) - on)


def _scatter(x: Matrix) -> float:
    """Sum of the squared distances from the mean."""
    middle = mean(x)
    squares = np.vdot(x, x) if isinstance(x, np.ndarray) else np.vdot(x.data, x.data)
    return max(0.0, float(squares - x.shape[0] * np.vdot(middle, middle)))
