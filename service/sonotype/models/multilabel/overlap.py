"""MRSP2: split the part whose labelsets overlap most (Valero-Mas et al. 2023, section 3)."""

from __future__ import annotations

import random

import numpy as np

from sonotype.models.multilabel.farthest import FarthestPairs
from sonotype.models.multilabel.parts import Growing, Tree
from sonotype.models.multilabel.samples import Doubles, Ints, Samples

_BLOCK_NUMBERS = 2**22
_NONE = 0.001  # an overlap up to this counts as none


def by_overlap(
    samples: Samples, distances: Doubles, budget: int, *, compat: bool = False, seed: int | random.Random = 123
) -> Tree:
    """Split the part of the largest overlap: distance between, over distance within labelsets.

    Args:
        samples: the corpus.
        distances: between its samples, shape [n, n].
        budget: parts to make.
        compat: as published: the overlap of a part of m samples is that of the first m samples of the corpus,
            undefined ratios count as no overlap, and where none is left a part is drawn by chance, also one that
            cannot be split. Otherwise a part in which all labelsets differ overlaps most of all, and the splitting
            ends when nothing is left to split.
        seed: of the draws.
    """
    chance = seed if isinstance(seed, random.Random) else random.Random(seed)  # noqa: S311 - not for secrets
    pairs = FarthestPairs(distances)
    measure = _Published(samples, distances) if compat else _Overlap(samples, distances)
    tree = Growing(np.arange(samples.n))
    alive: dict[int, float] = {0: measure(tree.nodes[0])}
    while len(tree.splits) < budget - 1:
        node = max(alive, key=alive.__getitem__)
        if alive[node] <= _NONE:
            if not compat:
                break
            node = _drawn(chance, [tree.nodes[number] for number in alive], list(alive))
        del alive[node]
        members = tree.nodes[node]
        for child in tree.split(node, pairs.split(members, pairs.pair(members))):
            alive[child] = measure(tree.nodes[child])
    return Tree(tree.nodes, tree.splits)


def _drawn(chance: random.Random, parts: list[Ints], numbers: list[int]) -> int:
    """Any part that is not empty, drawn among all until one comes."""
    while True:
        place = chance.randrange(len(parts))
        if len(parts[place]):
            return numbers[place]


class _Overlap:
    """The overlap of a part, as it was meant."""

    def __init__(self, samples: Samples, distances: Doubles) -> None:
        self._labelset, self._distances = samples.labelset, distances

    def __call__(self, members: Ints) -> float:
        """Infinite where no two samples have the same labels; none where all have, or all are equal."""
        ids, n, within, same = self._labelset[members], len(members), 0.0, 0
        whole = 0.0
        step = max(1, _BLOCK_NUMBERS // max(n, 1))
        for start in range(0, n, step):
            distances = self._distances[np.ix_(members[start : start + step], members)]
            is_same = ids[start : start + step, None] == ids[None, :]
            whole += float(distances.sum())
            within += float(distances.sum(where=is_same))
            same += int(is_same.sum())
        if same == n * n or not whole:
            return 0.0
        if same == n or not within:
            return float("inf")
        return ((whole - within) / (n * n - same)) / (within / (same - n))


class _Published:
    """What the published code measures instead: the overlap of the first m samples of the corpus."""

    def __init__(self, samples: Samples, distances: Doubles) -> None:
        ids = samples.labelset
        same = ids[:, None] == ids[None, :]
        upper = np.triu(np.ones_like(same), 1)
        sums = [_prefix(np.where(kind & upper, distances, 0.0)) for kind in (same, ~same)]
        counts = [_prefix((kind & upper).astype(np.float64)) for kind in (same, ~same)]
        with np.errstate(divide="ignore", invalid="ignore"):
            self._overlap = np.nan_to_num((sums[1] / counts[1]) / (sums[0] / counts[0]), nan=0.0, posinf=0.0)

    def __call__(self, members: Ints) -> float:
        return float(self._overlap[len(members) - 1]) if len(members) else 0.0


def _prefix(upper: Doubles) -> Doubles:
    """Sum over the pairs among the first m samples, for every m from 1."""
    return np.asarray(np.cumsum(upper.sum(axis=0)))
