"""A labelled corpus shrunk to prototypes: fit once, cut to any budget, ask for the members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sonotype.models.multilabel import checks, imbalance, methods
from sonotype.models.multilabel.distances import to_own
from sonotype.models.multilabel.forming import Form, Former, Labels, Position
from sonotype.models.multilabel.methods import BUDGETED, PER_LABELSET, Method
from sonotype.models.multilabel.parts import Tree
from sonotype.models.multilabel.samples import Doubles, Ints, Matrix, Samples

__all__ = ["BUDGETED", "Method", "PrototypeSet"]


@dataclass(frozen=True, slots=True)
class PrototypeSet:
    """m prototypes of n samples.

    Attributes:
        x: positions, shape [m, d]; sparse where the corpus is.
        y: labels, shape [m, L], 0 or 1, or shares where they are soft.
        members: the samples of every prototype, ascending; each sample is in exactly one, unless `edit` left it out.
        tree: how the corpus was split, without the samples that were kept as they are or left out.
    """

    x: Matrix
    y: Doubles
    members: Sequence[Ints]
    tree: Tree
    _samples: Samples = field(repr=False)
    _former: Former = field(repr=False)
    _budget: int
    _kept: Ints = field(repr=False)

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
        keep_rare: bool = False,
        edit: bool = False,
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
            keep_rare: samples with a rare label become prototypes of their own, beside the budget (ExcludingSamples).
            edit: leave samples out whose labels disagree with their neighbours' (MLeNN).
            compat: exactly the published behaviour, its quirks included.
            seed: of what is drawn by chance (`mrsp2` in compat mode, `kmeans`).

        Raises:
            SonotypeError: `invalid_request` for a corpus that cannot be used, or a budget that is missing or
                impossible.
        """
        samples = Samples.of(x, y)
        checks.one_of(method, Method, "method")
        form = Form(
            labels or ("majority" if compat else "soft"),
            position or ("median" if compat else "mean"),
            per_labelset=method in PER_LABELSET,
        )
        left = imbalance.edited(samples.x, samples.y) if edit else np.arange(samples.n)
        is_kept = imbalance.excluded(samples.y)[left] if keep_rare else np.zeros(len(left), dtype=np.bool_)
        kept, left = left[is_kept], left[~is_kept]
        count = _count(method, budget, len(left))
        tree = methods.cut(samples.take(left), method, count, compat=compat, seed=seed).of(left)
        return _cut(samples, Former(samples, form), tree, count, kept)

    def at(self, budget: float) -> PrototypeSet:
        """The set that `fit` would give for a smaller budget, without fitting.

        Raises:
            SonotypeError: `invalid_request` for a method that has no budgets to cut to, or a budget above the one of
                `fit`.
        """
        if not self.tree.has_budgets:
            raise checks.refused("this method has no budget to cut to")
        count = _parts(budget, len(self.tree.nodes[0]))
        if count > self._budget:
            raise checks.refused(f"this set was fitted for {self._budget} parts and cannot be cut to {count}")
        return _cut(self._samples, self._former, self.tree, count, self._kept)

    def reform(
        self, *, labels: Labels = "soft", position: Position = "mean", per_labelset: bool = False
    ) -> PrototypeSet:
        """The same parts with other prototypes, without fitting: `mchen` with `per_labelset` is `mrsp1`."""
        former = Former(self._samples, Form(labels, position, per_labelset))
        return _cut(self._samples, former, self.tree, self._budget, self._kept)


def _cut(samples: Samples, former: Former, tree: Tree, budget: int, kept: Ints) -> PrototypeSet:
    leaves = tree.leaves(budget if tree.has_budgets else None)
    # a sample that stays as it is has a number of its own, below those of nodes
    alone = [-1 - int(sample) for sample in kept]
    x, y, members = former.form([*leaves, *alone], [*(tree.nodes[node] for node in leaves), *kept[:, None]])
    return PrototypeSet(x, y, members, tree, samples, former, budget, kept)


def _count(method: Method, budget: float | None, n: int) -> int:
    if method not in BUDGETED:
        if budget is not None:
            raise checks.refused(f"{method} ends by itself and takes no budget")
        return n
    return _parts(budget, n)


def _parts(budget: float | None, n: int) -> int:
    if not isinstance(budget, (int, float, np.number)) or not 0 < budget < float("inf"):
        raise checks.refused("a budget is needed: a share of the samples below 1, or a number of parts")
    return min(n, max(1, int(budget * n + 1e-9) if budget < 1 else int(budget)))
