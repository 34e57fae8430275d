"""The published algorithms, plain and slow, from their description: what the fast ones are compared with.

Valero-Mas et al., Pattern Recognition 135 (2023) 109190. Every function gives the parts as lists of sample numbers.
"""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
from scipy.spatial.distance import euclidean

Parts = list[list[int]]


def distances(x: Any) -> Any:
    n = len(x)
    half = [[float(euclidean(x[i], x[j])) for j in range(i)] for i in range(n)]
    return [[half[max(i, j)][min(i, j)] if i != j else 0.0 for j in range(n)] for i in range(n)]


def farthest(part: Any, d: Any) -> Any:
    """The first of the farthest pairs and its distance; none for a part of one sample."""
    pairs = [(i, j) for a, i in enumerate(part) for j in part[a + 1 :]]
    if not pairs:
        return -1.0, None
    best = max(pairs, key=lambda pair: d[pair[0]][pair[1]])
    return d[best[0]][best[1]], best


def halves(part: Any, pair: Any, d: Any) -> Any:
    near = [i for i in part if d[i][pair[0]] <= d[i][pair[1]]]
    return near, [i for i in part if i not in set(near)]


def labelsets(part: Any, y: Any) -> Any:
    return {tuple(row) for row in np.unique(np.asarray(y)[part], axis=0).tolist()} if part else set()


def mchen(x: Any, y: Any, budget: Any) -> Parts:
    """MChen and MRSP1: the largest diameter among parts of several labelsets, or among all."""
    d = distances(x)
    parts: dict[int, list[int]] = {0: list(range(len(x)))}
    far = {0: farthest(parts[0], d)}
    made, chosen = 1, 0
    for _ in range(budget - 1):
        pair = far[chosen][1]
        one, other = halves(parts.pop(chosen), pair, d) if pair else (parts[chosen], [])
        for half in (one, other):
            parts[made], far[made] = half, farthest(half, d)
            made += 1
        among = [key for key, part in parts.items() if len(labelsets(part, y)) > 1] or list(parts)
        among = [key for key in among if len(parts[key]) > 1]
        if not among:
            break
        chosen = max(among, key=lambda key: far[key][0])
    return [part for part in parts.values() if part]


def shares_a_label(part: Any, y: Any) -> Any:
    return any(all(y[i][label] for i in part) for label in range(len(y[0])))


def mrsp3(x: Any, y: Any) -> Parts:
    """Split until homogeneous."""
    d = distances(x)
    stack, done = [list(range(len(x)))], []
    while stack:
        part = stack.pop()
        if len(part) == 2:
            one, other = [part[0]], [part[1]]
        else:
            one, other = halves(part, farthest(part, d)[1], d)
        if not other:
            one, other = one[:-1], one[-1:]
        for child in (one, other):
            (done if len(child) == 1 or shares_a_label(child, y) else stack).append(child)
    return done


def published_overlap(count: Any, y: Any, d: Any) -> Any:
    """Of the first `count` samples, whoever is in the part."""
    same = [d[i][j] for i in range(count) for j in range(i + 1, count) if tuple(y[i]) == tuple(y[j])]
    other = [d[i][j] for i in range(count) for j in range(i + 1, count) if tuple(y[i]) != tuple(y[j])]
    if not same or not other or not sum(same):
        return 0.0
    return (sum(other) / len(other)) / (sum(same) / len(same))


def mrsp2(x: Any, y: Any, budget: Any, seed: Any = 123) -> Parts:
    """Split the part of the largest overlap, as published, or one drawn by chance."""
    d, chance = distances(x), random.Random(seed)
    parts = [list(range(len(x)))]
    for _ in range(budget - 1):
        overlaps = [published_overlap(len(part), y, d) for part in parts]
        chosen = overlaps.index(max(overlaps))
        if overlaps[chosen] <= 0.001:
            chosen = chance.randrange(len(parts))
            while not parts[chosen]:
                chosen = chance.randrange(len(parts))
        part = parts.pop(chosen)
        pair = farthest(part, d)[1]
        parts += halves(part, pair, d) if pair else (part, [])
    return [part for part in parts if part]


def mrhc(x: Any, y: Any) -> Parts:
    """k-means from the labels' medians; equal samples with different labels, where it never ends, by labelset."""
    from sklearn.cluster import KMeans  # noqa: PLC0415 - of an extra

    x, y = np.asarray(x, dtype=float), np.asarray(y)
    work, done = [list(range(len(x)))], []
    while work:
        part = work.pop()
        if len(part) == 1 or shares_a_label(part, y):
            done.append(part)
            continue
        seeds = [
            np.median([x[i] for i in part if y[i][label]], axis=0)
            for label in range(y.shape[1])
            if any(y[i][label] for i in part)
        ]
        if not len(part) > len(seeds) > 1:
            work += [[i] for i in part]
        elif len({tuple(x[i]) for i in part}) == 1:
            done += [[i for i in part if tuple(y[i]) == labels] for labels in dict.fromkeys(tuple(y[i]) for i in part)]
        else:
            ids = KMeans(len(seeds), init=np.array(seeds), n_init=1).fit(x[part] + 0.001).labels_
            work += [[i for i, id_ in zip(part, ids, strict=True) if id_ == number] for number in sorted(set(ids))]
    return done


def majority(part: Any, x: Any, y: Any) -> Any:
    """Median position, labels of more than half."""
    on = [sum(int(y[i][label]) for i in part) > len(part) // 2 for label in range(len(y[0]))]
    return [*np.median([x[i] for i in part], axis=0), *map(float, on)]


def per_labelset(part: Any, x: Any, y: Any) -> Any:
    """One prototype for every labelset of a part."""
    return [majority([i for i in part if tuple(y[i]) == labels], x, y) for labels in sorted(labelsets(part, y))]


def neighbours(query: Any, x: Any, k: Any) -> Any:
    return sorted(range(len(x)), key=lambda i: (math.dist(query, x[i]), i))[:k]


def br(query: Any, x: Any, y: Any, k: Any) -> Any:
    near = neighbours(query, x, k)
    return [2 * sum(y[i][label] for i in near) > k for label in range(len(y[0]))]


def lp(query: Any, x: Any, y: Any, k: Any) -> Any:
    votes: dict[tuple, int] = {}
    for i in neighbours(query, x, k):
        votes[tuple(y[i])] = votes.get(tuple(y[i]), 0) + 1
    order = list(dict.fromkeys(tuple(row) for row in y))
    return [bool(v) for v in max(votes, key=lambda labels: (votes[labels], -order.index(labels)))]


def ml(query: Any, x: Any, y: Any, k: Any, *, include_self: Any) -> Any:
    """ML-kNN of Zhang and Zhou 2007 with smoothing 1."""
    n, found = len(x), []

    def near(i: Any) -> Any:
        others = sorted((j for j in range(n) if include_self or j != i), key=lambda j: (math.dist(x[i], x[j]), j))
        return others[:k]

    for label in range(len(y[0])):
        on, off = [0] * (k + 1), [0] * (k + 1)
        for i in range(n):
            (on if y[i][label] else off)[sum(int(y[j][label]) for j in near(i))] += 1
        count = sum(int(y[j][label]) for j in neighbours(query, x, k))
        prior = (1 + sum(int(row[label]) for row in y)) / (2 + n)
        yes = prior * (1 + on[count]) / (k + 1 + sum(on))
        no = (1 - prior) * (1 + off[count]) / (k + 1 + sum(off))
        found.append(yes / (yes + no))
    return found
