"""Prototypes of a part: where they lie and which labels they carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sonotype.models.multilabel import checks
from sonotype.models.multilabel.imbalance import by_policy
from sonotype.models.multilabel.middles import means, medians
from sonotype.models.multilabel.samples import Doubles, Ints, Matrix, Samples

Labels = Literal["majority", "soft", "policy-1", "policy-2"]
Position = Literal["median", "mean"]


@dataclass(frozen=True, slots=True)
class Form:
    """How prototypes are made of parts.

    Attributes:
        labels: `majority` switches a label on that more than half of a prototype's samples carry, `soft` keeps the
            share of them; `policy-1` and `policy-2` are majorities that favour rare labels (`imbalance.by_policy`).
        position: `median` of every feature as published, or `mean`.
        per_labelset: one prototype for every distinct labelset of a part, which carries exactly it (MRSP1, MRSP2).
    """

    labels: Labels = "soft"
    position: Position = "mean"
    per_labelset: bool = False

    def __post_init__(self) -> None:
        """Raises `invalid_request`."""
        checks.one_of(self.labels, Labels, "labels")
        checks.one_of(self.position, Position, "position")


class Former:
    """Makes the prototypes of nodes of a tree, each once however many budgets it belongs to."""

    def __init__(self, samples: Samples, form: Form) -> None:
        self._samples, self._form = samples, form
        self._rows: dict[int, range] = {}
        self._groups: list[Ints] = []
        self._x: Matrix = None
        self._y: Doubles = np.empty((0, samples.y.shape[1]))

    def form(self, nodes: Sequence[int], members: Sequence[Ints]) -> tuple[Matrix, Doubles, list[Ints]]:
        """Positions [m, d], labels [m, L] and samples of the prototypes of nodes, in order."""
        new = [number for number, node in enumerate(nodes) if node not in self._rows]
        if new:
            self._add([nodes[number] for number in new], [members[number] for number in new])
        rows = [row for node in nodes for row in self._rows[node]]
        return self._x[rows], self._y[rows], [self._groups[row] for row in rows]

    def _add(self, nodes: Sequence[int], members: Sequence[Ints]) -> None:
        groups: list[Ints] = []
        for node, part in zip(nodes, members, strict=True):
            own = self._split(part)
            first = len(self._groups) + len(groups)
            self._rows[node] = range(first, first + len(own))
            groups += own
        x = (medians if self._form.position == "median" else means)(self._samples.x, groups)
        self._x = x if self._x is None else _stack([self._x, x])
        self._y = np.concatenate([self._y, label(self._samples, groups, self._form.labels)])
        self._groups += groups

    def _split(self, members: Ints) -> list[Ints]:
        if not self._form.per_labelset:
            return [members]
        # in the order of the label rows themselves, which decides ties of label powerset
        _, ids = np.unique(self._samples.y[members], axis=0, return_inverse=True)
        ids = ids.reshape(-1)
        return [members[ids == number] for number in range(ids.max() + 1)]


def label(samples: Samples, groups: Sequence[Ints], labels: Labels) -> Doubles:
    """Labels of every prototype, shape [m, L]: 0 or 1, or shares where they are soft."""
    counts = np.stack([samples.y[group].sum(axis=0) for group in groups]).astype(np.float64)
    sizes: NDArray[np.float64] = np.array([len(group) for group in groups], dtype=np.float64)[:, None]
    if labels == "soft":
        return np.asarray(counts / sizes)
    if labels != "majority":
        return by_policy(counts, sizes, samples.y, "I" if labels == "policy-1" else "II")
    return np.asarray((counts > sizes // 2).astype(np.float64))


def _stack(blocks: list[Matrix]) -> Any:
    if isinstance(blocks[0], np.ndarray):
        return np.concatenate(blocks)
    from scipy.sparse import vstack  # noqa: PLC0415 - whoever has a sparse matrix has it

    return vstack(blocks, format="csr")
