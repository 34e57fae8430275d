"""Splitting by farthest pairs: MChen and MRSP1 by diameter up to a budget, MRSP3 until every part is homogeneous.

Valero-Mas, Gallego, Alonso-Jiménez, Serra: Multilabel Prototype Generation for data reduction in k-Nearest Neighbour
classification, Pattern Recognition 135 (2023) 109190, section 3.
"""

from __future__ import annotations

import heapq

import numpy as np

from sonotype.models.multilabel.farthest import FarthestPairs, Pair
from sonotype.models.multilabel.parts import Growing, Tree
from sonotype.models.multilabel.samples import Doubles, Ints, Samples


def by_diameter(samples: Samples, distances: Doubles, budget: int, *, compat: bool = False) -> Tree:
    """Split the heterogeneous part of the largest diameter, and homogeneous ones when there is no other.

    A part is heterogeneous if its samples have more than one labelset. The splits of a small budget are the first
    ones of a larger budget.

    Args:
        samples: the corpus.
        distances: between its samples, shape [n, n].
        budget: parts to make.
        compat: as published: a heterogeneous part of equal samples cannot be cut, but is chosen over and over, before
            any homogeneous one, so that fewer parts than the budget come out.
    """
    pairs = FarthestPairs(distances)
    tree = Growing(np.arange(samples.n))
    heap: list[tuple[bool, float, int, Pair]] = []

    def offer(node: int) -> None:
        members = tree.nodes[node]
        if len(members) < 2:
            return
        pair = pairs.pair(members)
        is_mixed = bool((samples.labelset[members] != samples.labelset[members[0]]).any())
        if compat or pair.distance > 0:
            heapq.heappush(heap, (not is_mixed, -pair.distance, node, pair))

    offer(0)
    while heap and len(tree.splits) < budget - 1:
        is_uniform, diameter, node, pair = heap[0]
        if diameter == 0 and not is_uniform:
            break  # compat only: every further choice would be this one, which cannot be cut
        heapq.heappop(heap)
        for child in tree.split(node, pairs.split(tree.nodes[node], pair), (not is_uniform, -diameter)):
            offer(child)
    return Tree(tree.nodes, tree.splits)


def until_homogeneous(samples: Samples, distances: Doubles, *, compat: bool = False) -> Tree:
    """Split by the farthest pair until the samples of every part share a label (MRSP3).

    Args:
        samples: the corpus.
        distances: between its samples, shape [n, n].
        compat: as published: samples without any label share nothing, so that they end as parts of their own, and
            the whole corpus is split even where it is homogeneous; equal samples with different labels are
            parted one by one. Otherwise equal samples stay together: no neighbour search can tell them apart.
    """
    pairs = FarthestPairs(distances)
    tree = Growing(np.arange(samples.n))
    is_done = samples.n == 1 or (not compat and is_homogeneous(samples, tree.nodes[0]))
    stack = [] if is_done else [0]
    while stack:
        node = stack.pop()
        members = tree.nodes[node]
        pair = pairs.pair(members)
        if pair.distance == 0 and not compat:
            continue
        for child in tree.split(node, _halves(pairs, members, pair)):
            if not is_homogeneous(samples, tree.nodes[child], compat=compat):
                stack.append(child)
    return Tree(tree.nodes, tree.splits, has_budgets=False)


def is_homogeneous(samples: Samples, members: Ints, *, compat: bool = False) -> bool:
    """Whether a part is one sample, or all share a label; unless `compat`, also whether none has any label."""
    if len(members) == 1:
        return True
    labels = samples.y[members]
    return bool(labels.all(axis=0).any()) or (not compat and not labels.any())


def _halves(pairs: FarthestPairs, members: Ints, pair: Pair) -> tuple[Ints, Ints]:
    """Both halves hold something, also where all samples are equal."""
    if len(members) == 2:
        return members[:1], members[1:]
    near, far = pairs.split(members, pair)
    return (near, far) if len(far) else (near[:-1], near[-1:])
