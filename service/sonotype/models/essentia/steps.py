"""A straight stretch of a graph as the list of what it does, from its output back to where it begins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sonotype.core.types import Floats
from sonotype.models.essentia.graph import Node, integers, unsupported
from sonotype.models.essentia.simplify import Flow
from sonotype.models.weights.base import corrupt

Kind = Literal["dense", "convolution", "pad", "shift", "scale", "norm", "relu", "sigmoid", "softmax", "max"]
MAX_STEPS = 64
SUMS = frozenset({"Add", "AddV2", "BiasAdd"})
_ACTIVATIONS: dict[str, Kind] = {"Relu": "relu", "Sigmoid": "sigmoid", "Softmax": "softmax"}
_NORMS = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})


@dataclass(frozen=True, slots=True)
class Norm:
    """Batch norm with stored statistics: (x - mean) / sqrt(variance + epsilon) * gamma + beta; all of shape [C]."""

    gamma: Floats
    beta: Floats
    mean: Floats
    variance: Floats
    epsilon: float


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on the data.

    Attributes:
        kind: what is done.
        node: name of the node, for messages.
        values: the matrix [in, out] of `dense`, the kernel [time, mel, in, out] of `convolution`, the numbers of
            `shift` and `scale`.
        norm: for `norm`.
        same: for `convolution`: padded with zeros so that the length stays.
        over: for `pad` the zeros before and after each axis; for `max` the axes, or the window over four axes.
    """

    kind: Kind
    node: str
    values: Floats | None = None
    norm: Norm | None = None
    same: bool = False
    over: tuple[int, ...] = ()


def steps_to(flow: Flow, ref: str, until: Collection[str] = ()) -> tuple[list[Step], Node]:
    """Walk from `ref` back, over operations on one value and constants only.

    Args:
        flow: the graph.
        ref: where to begin.
        until: names of nodes at which to stop.

    Returns:
        The steps in the order in which they are done, and the node whose value they are done to: one of `until`, or
        the first that takes other values or none (a placeholder).

    Raises:
        SonotypeError: `weights_corrupt` for malformed nodes, `invalid_request` for too many.
    """
    steps: list[Step] = []
    node = flow.skip(ref, shaping=True)
    while node.name not in until:
        step, ref = _step(flow, node)
        if step is None:
            break
        steps.append(step)
        if len(steps) > MAX_STEPS:
            raise unsupported("The graph has more layers in a row than any model that can be imported.")
        node = flow.skip(ref, shaping=True)
    return steps[::-1], node


def _step(flow: Flow, node: Node) -> tuple[Step | None, str]:
    """What a node does, and to which of its inputs; None where it is no step."""
    data = [ref for ref in node.inputs if not ref.startswith("^")]
    if node.op in _ACTIVATIONS and len(data) == 1:
        return Step(_ACTIVATIONS[node.op], node.name), data[0]
    if node.op in _NORMS and len(data) == 5:
        return Step("norm", node.name, norm=_fused_norm(flow, node, data)), data[0]
    if node.op == "MaxPool" and len(data) == 1:
        return Step("max", node.name, over=_window(node)), data[0]
    if len(data) != 2:
        return None, ""
    reader = _READERS.get(node.op)
    return reader(flow, node, data) if reader else (None, "")


def _dense(flow: Flow, node: Node, data: list[str]) -> tuple[Step | None, str]:
    kernel = constant(flow, data[1])
    if kernel is None or node.attrs.get("transpose_a"):
        return None, ""
    if kernel.ndim != 2:
        raise corrupt(f"The matrix of {node.name[:80]!r} is none.")
    matrix = kernel.T if node.attrs.get("transpose_b") else kernel
    return Step("dense", node.name, matrix), data[0]


def _convolution(flow: Flow, node: Node, data: list[str]) -> tuple[Step | None, str]:
    kernel = constant(flow, data[1])
    strides, dilations = node.attrs.get("strides"), node.attrs.get("dilations", ())
    if kernel is None or kernel.ndim != 4 or strides != (1, 1, 1, 1) or dilations not in {(), (1, 1, 1, 1)}:
        return None, ""
    if node.attrs.get("data_format", "NHWC") != "NHWC":
        return None, ""
    return Step("convolution", node.name, kernel, same=node.attrs.get("padding") == "SAME"), data[0]


def _pad(flow: Flow, node: Node, data: list[str]) -> tuple[Step | None, str]:
    tensor = flow.constant(data[1])
    if tensor is None:
        return None, ""
    return Step("pad", node.name, over=integers(tensor)), data[0]


def _max(flow: Flow, node: Node, data: list[str]) -> tuple[Step | None, str]:
    axes = flow.constant(data[1])
    return (Step("max", node.name, over=integers(axes)), data[0]) if axes is not None else (None, "")


def _window(node: Node) -> tuple[int, ...]:
    size = node.attrs.get("ksize", ())
    return tuple(int(one) for one in size) if isinstance(size, tuple) else ()


def _sum(flow: Flow, node: Node, data: list[str]) -> tuple[Step | None, str]:
    if (norm := _plain_norm(flow, node, data)) is not None:
        return Step("norm", node.name, norm=norm[0]), norm[1]
    return _with_constant("shift", flow, node, data)


def _product(flow: Flow, node: Node, data: list[str]) -> tuple[Step | None, str]:
    return _with_constant("scale", flow, node, data)


def _with_constant(kind: Kind, flow: Flow, node: Node, data: list[str]) -> tuple[Step | None, str]:
    """A sum or product of the data and a constant, in either order."""
    for mine, other in ((1, 0), (0, 1)):
        values = constant(flow, data[mine])
        if values is not None:
            return Step(kind, node.name, values.reshape(-1)), data[other]
    return None, ""


def _fused_norm(flow: Flow, node: Node, data: list[str]) -> Norm:
    values = [constant(flow, ref) for ref in data[1:]]
    if node.attrs.get("is_training", True) or any(value is None or value.ndim != 1 for value in values):
        raise unsupported(f"The batch norm {node.name[:80]!r} has no stored statistics.")
    gamma, beta, mean, variance = (value for value in values if value is not None)
    return _checked(node, Norm(gamma, beta, mean, variance, float(_plain(node.attrs.get("epsilon", 1e-4)))))


def _plain_norm(flow: Flow, node: Node, data: list[str]) -> tuple[Norm, str] | None:
    """Match x * s + (beta - mean * s) with s = rsqrt(variance + epsilon) * gamma, and x itself; None for other sums."""
    product, rest = (flow.skip(ref) for ref in data)
    if product.op != "Mul" or rest.op != "Sub" or len(product.inputs) != 2 or len(rest.inputs) != 2:
        return None
    scale, shifted = flow.skip(product.inputs[1]), flow.skip(rest.inputs[1])
    beta = constant(flow, rest.inputs[0])
    if shifted.op != "Mul" or len(shifted.inputs) != 2 or flow.skip(shifted.inputs[1]).name != scale.name:
        return None
    mean = constant(flow, shifted.inputs[0])
    found = _scale(flow, scale)
    if beta is None or mean is None or found is None:
        return None
    variance, epsilon, gamma = found
    return _checked(
        node, Norm(gamma.reshape(-1), beta.reshape(-1), mean.reshape(-1), variance, epsilon)
    ), product.inputs[0]


def _scale(flow: Flow, node: Node) -> tuple[Floats, float, Floats] | None:
    """Variance, epsilon and gamma of rsqrt(variance + epsilon) * gamma; gamma may be missing."""
    gamma = None
    if node.op == "Mul" and len(node.inputs) == 2:
        gamma = constant(flow, node.inputs[1])
        node = flow.skip(node.inputs[0])
    if node.op != "Rsqrt" or len(node.inputs) != 1:
        return None
    root = flow.skip(node.inputs[0])
    if root.op not in SUMS or len(root.inputs) != 2:
        return None
    variance, epsilon = (constant(flow, ref) for ref in root.inputs)
    if variance is None or epsilon is None or epsilon.size != 1:
        return None
    variance = variance.reshape(-1)
    return variance, float(epsilon.reshape(())), np.ones_like(variance) if gamma is None else gamma


def _checked(node: Node, norm: Norm) -> Norm:
    same = norm.gamma.shape == norm.beta.shape == norm.mean.shape == norm.variance.shape
    if not same or (norm.variance < 0).any() or not norm.epsilon > 0:
        raise corrupt(f"The batch norm {node.name[:80]!r} has statistics that make no sense.")
    return norm


def _plain(value: object) -> float:
    if not isinstance(value, int | float):
        raise corrupt("A setting of the graph has the wrong type.")
    return float(value)


def constant(flow: Flow, ref: str) -> Floats | None:
    """The numbers of a constant; None for what is computed, and for constants that are not numbers with a point."""
    tensor = flow.constant(ref)
    return None if tensor is None or tensor.kind != "float" else flow.graph.floats(tensor)


_Reader = Callable[[Flow, Node, list[str]], tuple[Step | None, str]]
_READERS: Mapping[str, _Reader] = {
    "Max": _max,
    "MatMul": _dense,
    "Conv2D": _convolution,
    "Pad": _pad,
    "Mul": _product,
    **dict.fromkeys(SUMS, _sum),
}
