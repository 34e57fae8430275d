"""The tree over the parts of a set: which two parts may become one again."""

from __future__ import annotations

import numpy as np

from sonotype.catalog.taggers.values import Numbers
from sonotype.models.multilabel.lloyd import assign
from sonotype.models.multilabel.samples import Doubles


class Siblings:
    """A binary tree whose leaves are the parts.

    Args:
        splits: rows of a node and its two children, shape [m - 1, 3].
        leaves: node of each part, shape [m].
    """

    def __init__(self, splits: Numbers, leaves: Numbers) -> None:
        self._kids: dict[int, tuple[int, int]] = {int(node): (int(a), int(b)) for node, a, b in splits}
        self._parent = {kid: node for node, kids in self._kids.items() for kid in kids}
        self._node = {part: int(node) for part, node in enumerate(leaves)}
        self._part = {node: part for part, node in self._node.items()}
        self._next = 1 + max((*self._node.values(), *self._kids), default=0)

    def pairs(self) -> list[tuple[int, int]]:
        """Every two parts that are siblings, the older number first."""
        found = (self._pair(node) for node in sorted(self._kids))
        return [pair for pair in found if pair is not None]

    def pair_of(self, part: int) -> tuple[int, int] | None:
        """The part and its sibling, where both are parts."""
        node = self._parent.get(self._node[part]) if part in self._node else None
        return None if node is None else self._pair(node)

    def split(self, part: int, new: int) -> None:
        """A part becomes two: itself and `new`."""
        node = self._node.pop(part)
        del self._part[node]
        self._kids[node] = kids = (self._next, self._next + 1)
        self._next += 2
        for number, kid in zip((part, new), kids, strict=True):
            self._parent[kid] = node
            self._node[number], self._part[kid] = kid, number

    def merge(self, into: int, gone: int) -> None:
        """Two siblings become the part `into`."""
        node = self._parent[self._node[into]]
        for part in (into, gone):
            kid = self._node.pop(part)
            del self._part[kid], self._parent[kid]
        del self._kids[node]
        self._node[into], self._part[node] = node, into

    def _pair(self, node: int) -> tuple[int, int] | None:
        first, second = (self._part.get(kid) for kid in self._kids[node])
        return None if first is None or second is None else (min(first, second), max(first, second))


def grow(positions: Doubles) -> tuple[Numbers, Numbers]:
    """A tree over parts by cutting them in two again and again, near ones together.

    Args:
        positions: of the parts, shape [m, D].

    Returns:
        `splits` and `leaves` of `Siblings`.
    """
    leaves = np.zeros(len(positions), dtype=np.int64)
    splits, stack, following = [], [(0, np.arange(len(positions)))], 1
    while stack:
        node, parts = stack.pop()
        if len(parts) == 1:
            leaves[parts[0]] = node
            continue
        splits.append((node, following, following + 1))
        side = _halves(positions[parts])
        stack += [(following, parts[~side]), (following + 1, parts[side])]
        following += 2
    return np.array(splits, dtype=np.int64).reshape(-1, 3), leaves


def _halves(x: Doubles) -> np.ndarray:
    """Two groups, neither empty: 2-means from two ends."""
    first = int(((x - x.mean(axis=0)) ** 2).sum(axis=1).argmax())
    second = int(((x - x[first]) ** 2).sum(axis=1).argmax())
    side = assign(x, x[[first, second]], 8).astype(np.bool_)
    return np.arange(len(x)) >= len(x) // 2 if side.all() or not side.any() else side
