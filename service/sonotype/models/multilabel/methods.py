"""The methods by name: each cuts a corpus into parts."""

from __future__ import annotations

from typing import Literal

import numpy as np

from sonotype.models.multilabel import checks
from sonotype.models.multilabel.blocks import by_diameter_in_blocks
from sonotype.models.multilabel.distances import pairwise
from sonotype.models.multilabel.entropy import by_entropy
from sonotype.models.multilabel.homogeneous import by_labels
from sonotype.models.multilabel.overlap import by_overlap
from sonotype.models.multilabel.parts import Growing, Tree
from sonotype.models.multilabel.samples import Matrix, Samples
from sonotype.models.multilabel.splitting import by_diameter, until_homogeneous

Method = Literal["entropy", "mrhc", "mchen", "mrsp1", "mrsp2", "mrsp3", "kmeans"]
BUDGETED: frozenset[str] = frozenset({"entropy", "mchen", "mrsp1", "mrsp2", "kmeans"})
"""Methods that make as many parts as they are told; the others end by themselves."""
PER_LABELSET: frozenset[str] = frozenset({"mrsp1", "mrsp2"})
"""Methods that make one prototype for every labelset of a part."""
EXACT = 8192
"""Samples whose distances are all kept; of more, `mchen` and `mrsp1` measure within blocks only."""


def cut(samples: Samples, method: Method, budget: int, *, compat: bool, seed: int) -> Tree:
    """Cut a corpus into parts.

    Raises:
        SonotypeError: `invalid_request` for a method that keeps all distances on too many samples, or that takes a
            package that is not installed.
    """
    if not samples.n:
        return Tree([np.arange(0)], [])
    try:
        return _cut(samples if compat else samples.near_zero(), method, budget, compat=compat, seed=seed)
    except ModuleNotFoundError as error:
        package = f"{method} takes {error.name}, which comes with `pip install 'sonotype[train]'`"
        raise checks.refused(package) from error


def _cut(samples: Samples, method: Method, budget: int, *, compat: bool, seed: int) -> Tree:
    if method == "entropy":
        return by_entropy(samples, budget)
    if method == "mrhc":
        return by_labels(samples, compat=compat)
    if method == "kmeans":
        return _by_kmeans(samples, budget, seed)
    if method in ("mchen", "mrsp1") and samples.n > EXACT and not compat:
        return by_diameter_in_blocks(samples, budget)
    return _by_distances(samples, method, budget, compat=compat, seed=seed)


def _by_distances(samples: Samples, method: Method, budget: int, *, compat: bool, seed: int) -> Tree:
    if samples.n > 2 * EXACT:
        raise checks.refused(f"{method} keeps the distances of all samples, of which there may be {2 * EXACT}")
    distances = pairwise(samples.x, exact=compat)
    if method == "mrsp3":
        return until_homogeneous(samples, distances, compat=compat)
    if method == "mrsp2":
        return by_overlap(samples, distances, budget, compat=compat, seed=seed)
    return by_diameter(samples, distances, budget, compat=compat)


def _by_kmeans(samples: Samples, count: int, seed: int) -> Tree:
    from sklearn.cluster import KMeans  # noqa: PLC0415 - of an extra

    count = min(count, _distinct(samples.x))
    assigned = KMeans(count, n_init=1, random_state=seed).fit(samples.x).labels_
    tree = Growing(np.arange(samples.n))
    tree.split(0, [np.flatnonzero(assigned == number) for number in range(count)])
    return Tree(tree.nodes, tree.splits, has_budgets=False)


def _distinct(x: Matrix) -> int:
    """How many different rows there are."""
    if isinstance(x, np.ndarray):
        return len(np.unique(x, axis=0))
    bounds = zip(x.indptr[:-1], x.indptr[1:], strict=True)
    return len({(x.indices[one:end].tobytes(), x.data[one:end].tobytes()) for one, end in bounds})
