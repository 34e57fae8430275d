"""A computation graph as plain data: nodes by name, and the constants that some of them hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.weights.base import corrupt

MAX_NODES = 20_000
MAX_INPUTS = 64
MAX_DIMS = 8
MAX_NUMBERS = 2**23
"""Of all constants that are taken out of one graph; MusiCNN has a tenth of that."""

Attribute = bool | int | float | str | tuple[int, ...] | tuple[str, ...]


def unsupported(detail: str) -> SonotypeError:
    """An error for a file that is whole, but no model of a known layout."""
    return SonotypeError(Code.INVALID_REQUEST, detail)


@dataclass(frozen=True, slots=True)
class Tensor:
    """A constant that is not decoded before its shape has been looked at.

    Attributes:
        shape: lengths of its axes.
        kind: `float`, `int`, `bool`, or `other` for what no known layout uses.
        decode: gives its numbers in order: as many as the shape says, or fewer, of which the last one is repeated.
    """

    shape: tuple[int, ...]
    kind: str
    decode: Callable[[], np.ndarray] = field(repr=False)

    @property
    def size(self) -> int:
        """How many numbers it has; Python's integers cannot overflow."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Node:
    """One operation.

    Attributes:
        name: unique in its graph.
        op: what it does.
        inputs: outputs of other nodes, `name` or `name:index`; with `^` before it only an order of execution.
        attrs: its settings, as far as plain values can say them.
        tensor: the value of a `Const`.
    """

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    attrs: Mapping[str, Attribute] = field(default_factory=dict)
    tensor: Tensor | None = None


class Graph:
    """Nodes by name.

    Args:
        nodes: at most `MAX_NODES`, with different names.

    Raises:
        SonotypeError: `weights_corrupt`.
    """

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes
        self._numbers = 0

    def node(self, ref: str) -> Node:
        """The node that a reference names.

        Raises:
            SonotypeError: `weights_corrupt`.
        """
        name, _ = split(ref)
        try:
            return self.nodes[name]
        except KeyError:
            raise corrupt(f"The graph has no node {name[:80]!r}.") from None

    def floats(self, tensor: Tensor) -> Floats:
        """The numbers of a constant, float32, in its shape.

        Raises:
            SonotypeError: `weights_corrupt` where the numbers do not fit the shape or are not finite; and where the
                constants of this graph, shapes that repeat one number included, become more than any model has.
        """
        self._numbers += tensor.size
        # an axis of length zero hides the lengths of the others from their product
        if tensor.kind != "float" or self._numbers > MAX_NUMBERS or max(tensor.shape, default=0) > MAX_NUMBERS:
            raise corrupt("The graph holds constants of another type or size than any model needs.")
        values = _filled(tensor).astype(np.float32)
        if not np.isfinite(values).all():
            raise corrupt("The graph holds a constant that is not finite.")
        return values.reshape(tensor.shape)


def split(ref: str) -> tuple[str, int]:
    """`name:1` to name and index of the output; a control input has the index -1."""
    if ref.startswith("^"):
        return ref[1:], -1
    name, colon, index = ref.rpartition(":")
    return (name, int(index)) if colon and index.isascii() and index.isdigit() and len(index) < 4 else (ref, 0)


def integers(tensor: Tensor) -> tuple[int, ...]:
    """The numbers of a small constant of integers or a truth value, such as axes and shapes."""
    if tensor.kind not in {"int", "bool"} or tensor.size > 2 * MAX_DIMS:
        raise corrupt("The graph holds axes or a shape that make no sense.")
    return tuple(int(value) for value in _filled(tensor))


def _filled(tensor: Tensor) -> np.ndarray:
    if any(dim < 0 for dim in tensor.shape):
        raise corrupt("A constant of the graph has a shape that is not known.")
    values = tensor.decode()
    if len(values) == tensor.size:
        return values
    if not 0 < len(values) < tensor.size:
        raise corrupt("A constant of the graph does not fit its shape.")
    return np.concatenate([values, np.full(tensor.size - len(values), values[-1], values.dtype)])
