"""From a frozen graph of MusiCNN to the state of our network, whatever its nodes are called.

The graph is walked from its output back and held against the layout of the published ones, layer by layer
(Pons and Serra, 2019, arXiv:1909.06654). Classifiers that were trained on top of it, end to end, have two dense
layers at the end with nothing between them; their product is one layer, so they become a MusiCNN like any other.
"""

from __future__ import annotations

import numpy as np

from sonotype.core.errors import SonotypeError
from sonotype.core.types import Floats
from sonotype.models.essentia.graph import Node, integers, unsupported
from sonotype.models.essentia.simplify import Flow
from sonotype.models.essentia.steps import SUMS, Norm, Step, steps_to
from sonotype.models.weights.convert import conv1d, conv2d, dense

EPSILON = 1e-3  # of our batch norms
N_MELS = 96
HIDDEN = 200
_KERNELS = ((7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51), (32, 1, 1, 51))
_POOLED = 1506
_PAD = (0, 0, 3, 3, 0, 0, 0, 0)
_TIMBRAL = ["norm", "pad", "convolution", "shift", "relu", "norm", "max"]
_TEMPORAL = ["norm", "convolution", "shift", "relu", "norm", "max"]
_MID = ["pad", "convolution", "shift", "relu", "norm"]
State = dict[str, Floats]


def read_musicnn(flow: Flow, output: str) -> State:
    """The state of `nets.musicnn.MusiCNN`.

    Args:
        flow: the graph.
        output: name of the node that gives the activations of the classes.

    Raises:
        SonotypeError: `invalid_request` where the graph is no MusiCNN, `weights_corrupt` where it is damaged.
    """
    steps, pooled = steps_to(flow, output)
    state = _tail(steps)
    channels = _same_source(flow, pooled)
    front, *middle = _data(channels, 4)
    source = flow.skip(front, shaping=True)
    for index, ref in enumerate(middle):
        state |= _middle(flow, index, ref, source)
        source = flow.skip(ref, shaping=True)
    for index, ref in enumerate(_data(flow.skip(front, shaping=True), len(_KERNELS))):
        state |= _branch(flow, index, ref)
    return {name: np.ascontiguousarray(array, np.float32) for name, array in sorted(state.items())}


def is_musicnn(flow: Flow, output: str) -> bool:
    """Whether the graph has convolutions, so that it cannot be a head."""
    steps, start = steps_to(flow, output)
    return start.op == "ConcatV2" or any(step.kind == "convolution" for step in steps)


def _tail(steps: list[Step]) -> State:
    """Norm, dense 200, ReLU, norm, one dense layer or two, sigmoid."""
    steps = _joined(steps)
    kinds = [step.kind for step in steps]
    begin = ["norm", "dense", "shift", "relu", "norm", "dense", "shift"]
    if kinds not in ([*begin, "sigmoid"], [*begin, "dense", "shift", "sigmoid"]):
        raise _unlike("its last layers are " + ", ".join(kinds)[:120])
    weight, bias = _product(steps[5:-1])
    return (
        _norm("pool_norm", steps[0], _POOLED)
        | _dense("hidden", steps[1], steps[2], (_POOLED, HIDDEN))
        | _norm("hidden_norm", steps[4], HIDDEN)
        | {"output.weight": dense(weight), "output.bias": bias}
    )


def _product(steps: list[Step]) -> tuple[Floats, Floats]:
    """Dense layers with nothing between them as one: matrix [in, out] and bias."""
    weight, bias = _values(steps[0]), _values(steps[1])
    if len(steps) == 2:
        _fit(steps[0], weight, bias, HIDDEN)
        return weight, bias
    last, shift = _values(steps[2]), _values(steps[3])
    _fit(steps[0], weight, bias, HIDDEN)
    _fit(steps[2], last, shift, weight.shape[1])
    wide = last.astype(np.float64)
    return (weight @ wide).astype(np.float32), (bias @ wide + shift).astype(np.float32)


def _same_source(flow: Flow, pooled: Node) -> Node:
    """The concatenated channels of which `pooled` is maximum and mean over time, side by side for each channel."""
    peak, mean = (flow.skip(ref, shaping=True) for ref in _data(pooled, 2))
    axis = flow.constant(pooled.inputs[2])
    if (peak.op, mean.op) != ("Max", "Mean") or axis is None or integers(axis) not in {(2,), (-1,)}:
        raise _unlike("it does not pool maximum and mean over time")
    sources = [flow.skip(node.inputs[0], shaping=True) for node in (peak, mean)]
    axes = [flow.constant(node.inputs[1]) if len(node.inputs) > 1 else None for node in (peak, mean)]
    if sources[0].name != sources[1].name or any(one is None or integers(one) != (1,) for one in axes):
        raise _unlike("it does not pool maximum and mean over time")
    return sources[0]


def _middle(flow: Flow, index: int, ref: str, source: Node) -> State:
    """One convolution over all channels of `source`; the second and third add what they were given."""
    if index:
        ref = _other(flow, flow.skip(ref, shaping=True), source)
    steps, begin = steps_to(flow, ref, {source.name})
    if [step.kind for step in steps] != _MID or begin.name != source.name or steps[0].over != _PAD:
        raise _unlike(f"its middle layer {index + 1} is another")
    return _block(f"mid.{index}", steps[1:], (7, 64 if index else 561, 1, 64))


def _other(flow: Flow, total: Node, added: Node) -> str:
    """The term of a sum of two that is not `added`."""
    if total.op in SUMS and len(total.inputs) == 2:
        first, second = total.inputs
        for one, other in ((first, second), (second, first)):
            if flow.skip(one, shaping=True).name == added.name:
                return other
    raise _unlike("its middle layers do not add up")


def _branch(flow: Flow, index: int, ref: str) -> State:
    """One branch of the front end, from the placeholder to the maximum over mel."""
    steps, begin = steps_to(flow, ref)
    steps = _joined(steps)
    kernel = _KERNELS[index]
    timbral = kernel[1] > 1
    kinds = [step.kind for step in steps]
    if kinds != (_TIMBRAL if timbral else _TEMPORAL) or begin.op != "Placeholder":
        raise _unlike(f"branch {index + 1} of its front end is another")
    positions = N_MELS - kernel[1] + 1
    if (
        steps[-1].over not in {(2,), (1, 1, positions, 1)}
        or steps[-5].same is timbral
        or (timbral and steps[1].over != _PAD)
    ):
        raise _unlike(f"branch {index + 1} of its front end pads or pools in another way")
    name = f"timbral.{index}" if timbral else f"temporal.{index - 2}"
    return _norm("input_norm", steps[0], 1) | _block(name, steps[-5:-1], kernel)


def _block(name: str, steps: list[Step], shape: tuple[int, ...]) -> State:
    """Convolution, bias, ReLU and norm."""
    kernel, bias = _values(steps[0]), _values(steps[1])
    if kernel.shape != shape or bias.shape != shape[-1:]:
        raise _unlike(f"{steps[0].node[:80]!r} has the shape {list(kernel.shape)} instead of {list(shape)}")
    weight = conv1d(kernel) if name.startswith("mid") else conv2d(kernel)
    return {f"{name}.conv.weight": weight, f"{name}.conv.bias": bias} | _norm(f"{name}.norm", steps[3], shape[-1])


def _dense(name: str, product: Step, shift: Step, shape: tuple[int, int]) -> State:
    weight, bias = _values(product), _values(shift)
    if weight.shape != shape or bias.shape != shape[1:]:
        raise _unlike(f"{product.node[:80]!r} has the shape {list(weight.shape)} instead of {list(shape)}")
    return {f"{name}.weight": dense(weight), f"{name}.bias": bias}


def _norm(name: str, step: Step, width: int) -> State:
    norm = step.norm
    if norm is None or norm.gamma.shape != (width,):
        raise _unlike(f"{step.node[:80]!r} is no batch norm of {width} channels")
    # the published graphs have our epsilon; another one is the same function with another variance
    off = norm.epsilon - EPSILON
    variance = norm.variance if abs(off) < 1e-7 else (norm.variance + off).astype(np.float32)
    values = {"weight": norm.gamma, "bias": norm.beta, "running_mean": norm.mean, "running_var": variance}
    return {f"{name}.{part}": value for part, value in values.items()}


def _joined(steps: list[Step]) -> list[Step]:
    """Scale and shift side by side, as converters fold a batch norm, made a norm again."""
    out: list[Step] = []
    for step in steps:
        if step.kind == "shift" and out and out[-1].kind == "scale":
            scale, shift = _values(out[-1]), _values(step)
            if scale.shape != shift.shape:
                raise _unlike(f"{step.node[:80]!r} does not fit what it follows")
            zero = np.zeros_like(scale)
            out[-1] = Step("norm", step.node, norm=Norm(scale, shift, zero, zero + 1, 0.0))
        else:
            out.append(step)
    return out


def _values(step: Step) -> Floats:
    if step.values is None:
        raise _unlike(f"{step.node[:80]!r} has no numbers")
    return step.values


def _fit(step: Step, weight: Floats, bias: Floats, width: int) -> None:
    if weight.shape[0] != width or bias.shape != weight.shape[1:]:
        raise _unlike(f"{step.node[:80]!r} has the shape {list(weight.shape)}")


def _data(node: Node, count: int) -> list[str]:
    """The values that a node puts side by side."""
    if node.op != "ConcatV2" or len(node.inputs) != count + 1:
        raise _unlike(f"{node.name[:80]!r} does not put {count} values side by side")
    return list(node.inputs[:count])


def _unlike(detail: str) -> SonotypeError:
    return unsupported(f"The graph is no MusiCNN that can be imported: {detail}.")
