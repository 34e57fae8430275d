"""A corpus cut into parts by a sequence of splits, so that one run holds every budget."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace

from sonotype.models.multilabel.samples import Ints


@dataclass(frozen=True, slots=True)
class Split:
    """One split.

    Attributes:
        parent: the node that was cut, a number in `Tree.nodes`.
        children: the nodes it became.
        urgency: why it came when it did; of the parts that could be cut it was the one of the greatest.
    """

    parent: int
    children: tuple[int, ...]
    urgency: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """The splits of a corpus in the order in which they were made.

    Attributes:
        nodes: members of every node, ascending; node 0 is the whole corpus.
        splits: in order. After b - 1 splits into two there are b parts.
        has_budgets: whether every number of splits is a result of its own. Not of methods that end by themselves.
        last_first: whether parts come in the order of a walk that enters the last child of a node first, instead of
            in the order of their making.
    """

    nodes: Sequence[Ints]
    splits: Sequence[Split]
    has_budgets: bool = True
    last_first: bool = False

    def of(self, samples: Ints) -> Tree:
        """The tree over a larger corpus, of which `samples`, ascending, were cut."""
        if len(samples) == len(self.nodes[0]) and (samples == self.nodes[0]).all():
            return self
        return replace(self, nodes=[samples[node] for node in self.nodes])

    def leaves(self, budget: int | None = None) -> list[int]:
        """The nodes that are parts after `budget` - 1 splits (all splits unless given), in order.

        Nodes without members (two halves of equal samples) are left out.
        """
        count = len(self.splits) if budget is None else min(max(budget - 1, 0), len(self.splits))
        alive: dict[int, None] = {0: None}
        for split in self.splits[:count]:
            del alive[split.parent]
            alive.update(dict.fromkeys(split.children))
        found = self._walk(alive) if self.last_first else alive
        return [node for node in found if len(self.nodes[node])]

    def _walk(self, alive: Container[int]) -> Iterator[int]:
        children = {split.parent: split.children for split in self.splits}
        stack = [0]
        while stack:
            node = stack.pop()
            if node in alive:
                yield node
            else:
                stack += children[node]

    def parts(self, budget: int | None = None) -> list[Ints]:
        """The members of `leaves`."""
        return [self.nodes[node] for node in self.leaves(budget)]


class Growing:
    """A tree while it grows."""

    def __init__(self, members: Ints) -> None:
        self.nodes: list[Ints] = [members]
        self.splits: list[Split] = []

    def split(self, node: int, parts: Sequence[Ints], urgency: tuple[float, ...] = ()) -> range:
        """Cut a node into parts; their numbers."""
        children = range(len(self.nodes), len(self.nodes) + len(parts))
        self.nodes += parts
        self.splits.append(Split(node, tuple(children), urgency))
        return children
