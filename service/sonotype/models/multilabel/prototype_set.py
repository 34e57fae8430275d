"""A labelled corpus shrunk to prototypes: fit once, cut to any budget, ask for the members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.multilabel.blocks import by_diameter_in_blocks
from sonotype.models.multilabel.distances import pairwise, to_own
from sonotype.models.multilabel.entropy import by_entropy
from sonotype.models.multilabel.forming import Form, Former, Labels, Position
from sonotype.models.multilabel.homogeneous import by_labels
from sonotype.models.multilabel.overlap import by_overlap
from sonotype.models.multilabel.parts import Growing, Tree
from sonotype.models.multilabel.samples import Doubles, Ints, Matrix, Samples
from sonotype.models.multilabel.splitting import by_diameter, until_homogeneous

Method = Literal["entropy", "mrhc", "mchen", "mrsp1", "mrsp2", "mrsp3", "kmeans"]
EXACT = 8192
"""Samples whose distances are all kept; of more, `mchen` and `mrsp1` measure within blocks only."""
BUDGETED: frozenset[str] = frozenset({"entropy", "mchen", "mrsp1", "mrsp2", "kmeans"})


@dataclass(frozen=True, slots=True)
class PrototypeSet:
    """m prototypes of n samples.

    Attributes:
        x: positions, shape [m, d]; sparse where the corpus is.
        y: labels, shape [m, L], 0 or 1, or shares where they are soft.
        members: the samples of every prototype, ascending; each sample is in exactly one.
        tree: how the corpus was split.
    """

    x: Matrix
    y: Doubles
    members: Sequence[Ints]
    tree: Tree
    _samples: Samples = field(repr=False)
    _former: Former = field(repr=False)
    _budget: int

    @property
    def weight(self) -> NDArray[np.int64]:
        """Samples of every prototype, shape [m]."""
        return np.array([len(group) for group in self.members], dtype=np.int64)

    @property
    def spread(self) -> list[Doubles]:
        """For every prototype the distances of its members from it, ascending. Computed at every call."""
        return [np.sort(distances) for distances in to_own(self._samples.x, self.x, self.members)]

    def __len__(self) -> int:
        return len(self.members)

    @classmethod
    def fit(
        cls,
        x: Matrix,
        y: Any,
        *,
        method: Method = "entropy",
        budget: float | None = None,
        labels: Labels | None = None,
        position: Position | None = None,
        compat: bool = False,
        seed: int = 123,
    ) -> PrototypeSet:
        """Shrink a corpus.

        Args:
            x: features, dense or sparse, shape [n, d].
            y: labels, 0 or 1, shape [n, L].
            method: how the corpus is cut into parts. `entropy` is our own; the others are of Valero-Mas et al.
                (Pattern Recognition 135 (2023) 109190). `mrsp1` and `mrsp2` make one prototype for every labelset of
                a part, so that there are more than parts.
            budget: parts to make, a share of the samples below 1, a number from 1; not for `mrhc` and `mrsp3`, which
                end by themselves.
            labels: see `Form`; `soft` unless `compat`.
            position: see `Form`; `mean` unless `compat`.
            compat: exactly the published behaviour, its quirks included.
            seed: of what is drawn by chance (`mrsp2` in compat mode, `kmeans`).

        Raises:
            SonotypeError: `invalid_request` for a corpus that cannot be used, or a budget that is missing or
                impossible.
        """
        samples = Samples.of(x, y)
        form = Form(
            labels or ("majority" if compat else "soft"),
            position or ("median" if compat else "mean"),
            per_labelset=method in ("mrsp1", "mrsp2"),
        )
        count = _count(method, budget, samples.n)
        tree = _tree(samples, method, count, compat=compat, seed=seed)
        return _cut(samples, Former(samples, form), tree, count)

    def at(self, budget: float) -> PrototypeSet:
        """The set that `fit` would give for a smaller budget, without fitting.

        Raises:
            SonotypeError: `invalid_request` for a method that has no budgets to cut to, or a budget above the one of
                `fit`.
        """
        if not self.tree.has_budgets:
            raise _invalid("this method has no budget to cut to")
        count = _parts(budget, self._samples.n)
        if count > self._budget:
            raise _invalid(f"this set was fitted for {self._budget} parts and cannot be cut to {count}")
        return _cut(self._samples, self._former, self.tree, count)


def _cut(samples: Samples, former: Former, tree: Tree, budget: int) -> PrototypeSet:
    leaves = tree.leaves(budget if tree.has_budgets else None)
    x, y, members = former.form(leaves, [tree.nodes[node] for node in leaves])
    return PrototypeSet(x, y, members, tree, samples, former, budget)


def _tree(samples: Samples, method: Method, budget: int, *, compat: bool, seed: int) -> Tree:
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
        raise _invalid(f"{method} keeps the distances of all samples, which at most {2 * EXACT} can have")
    distances = pairwise(samples.x, exact=compat)
    if method == "mrsp3":
        return until_homogeneous(samples, distances, compat=compat)
    if method == "mrsp2":
        return by_overlap(samples, distances, budget, compat=compat, seed=seed)
    return by_diameter(samples, distances, budget, compat=compat)


def _by_kmeans(samples: Samples, count: int, seed: int) -> Tree:
    from sklearn.cluster import KMeans  # noqa: PLC0415 - of an extra

    assigned = KMeans(count, n_init=1, random_state=seed).fit(samples.x).labels_
    tree = Growing(np.arange(samples.n))
    tree.split(0, [np.flatnonzero(assigned == number) for number in range(count)])
    return Tree(tree.nodes, tree.splits, has_budgets=False)


def _count(method: Method, budget: float | None, n: int) -> int:
    if method not in BUDGETED:
        if budget is not None:
            raise _invalid(f"{method} ends by itself and takes no budget")
        return n
    return _parts(budget, n)


def _parts(budget: float | None, n: int) -> int:
    if budget is None or not 0 < budget < float("inf"):
        raise _invalid("a budget is needed: a share of the samples below 1, or a number of parts")
    return min(n, max(1, int(budget * n + 1e-9) if budget < 1 else int(budget)))


def _invalid(what: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, f"No prototypes: {what}.")
