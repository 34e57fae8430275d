"""Splitting by diameter where the distances of all samples do not fit: blocks of near samples, exact within.

The corpus is first cut into blocks by 2-means, the largest first. Every block is split by its own farthest pairs, and
the splits of all blocks come in one order, by one heap, so that the budget is spent where the diameters are largest.
Only pairs from different blocks are never looked at.
"""

from __future__ import annotations

import heapq

import numpy as np

from sonotype.models.multilabel.distances import pairwise
from sonotype.models.multilabel.lloyd import assign, ends
from sonotype.models.multilabel.parts import Growing, Split, Tree
from sonotype.models.multilabel.samples import Ints, Matrix, Samples
from sonotype.models.multilabel.splitting import by_diameter

_BLOCK = 1024
_ROUNDS = 3
_SWEEPS = 3


def by_diameter_in_blocks(samples: Samples, budget: int, *, block: int = _BLOCK) -> Tree:
    """`by_diameter` for many samples.

    Args:
        samples: the corpus.
        budget: parts to make; the first ones are the blocks.
        block: samples that a block holds at most, unless they are equal.
    """
    tree = Growing(np.arange(samples.n))
    blocks = _cut(samples.x, tree, budget, block)
    if len(tree.splits) >= budget - 1:
        return Tree(tree.nodes, tree.splits)
    heap: list[tuple[tuple[float, ...], int, int, int]] = []
    local = [_within(samples, tree.nodes[node], budget, block) for node in blocks]

    def offer(number: int, inner: int, outer: int) -> None:
        split = local[number][1].get(inner)
        if split is not None:
            heapq.heappush(heap, (tuple(-value for value in split.urgency), outer, number, inner))

    for number, node in enumerate(blocks):
        offer(number, 0, node)
    while heap and len(tree.splits) < budget - 1:
        _, outer, number, inner = heapq.heappop(heap)
        nodes, splits = local[number]
        children = splits[inner].children
        for below, child in zip(children, tree.split(outer, [nodes[below] for below in children]), strict=True):
            offer(number, below, child)
    return Tree(tree.nodes, tree.splits)


def _cut(x: Matrix, tree: Growing, budget: int, block: int) -> list[int]:
    """Cut the largest node again and again; the nodes that are blocks."""
    heap = [(-len(tree.nodes[0]), 0)]
    blocks = []
    while heap:
        size, node = heapq.heappop(heap)
        if -size <= block or len(tree.splits) >= budget - 1:
            blocks.append(node)
            continue
        members = tree.nodes[node]
        side = assign(x[members], ends(x[members], _SWEEPS), _ROUNDS).astype(np.bool_)
        if side.all() or not side.any():  # equal samples
            blocks.append(node)
            continue
        for child in tree.split(node, [members[~side], members[side]]):
            heapq.heappush(heap, (-len(tree.nodes[child]), child))
    return blocks


def _within(samples: Samples, members: Ints, budget: int, block: int) -> tuple[list[Ints], dict[int, Split]]:
    """The nodes of a block and the split of each that has one."""
    if len(members) > block:  # equal samples
        return [members], {}
    part = samples.take(members)
    tree = by_diameter(part, pairwise(part.x), min(budget, len(members)))
    return [members[node] for node in tree.nodes], {split.parent: split for split in tree.splits}
