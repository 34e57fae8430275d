"""From the frozen graph of a classification head to the dense layers of a transfer head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonotype.core.errors import SonotypeError
from sonotype.core.types import Floats, Task
from sonotype.models.card_parts import LayerSpec
from sonotype.models.essentia.graph import unsupported
from sonotype.models.essentia.simplify import Flow
from sonotype.models.essentia.steps import Step, steps_to

Doubles = NDArray[np.float64]
_TASKS: dict[str, Task] = {"softmax": "multiclass", "sigmoid": "multilabel"}


@dataclass(slots=True)
class _Layer:
    """One dense layer while it is put together: matrix [in, out] and bias, in float64."""

    weight: Doubles
    bias: Doubles
    relu: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """The layers of a head.

    Attributes:
        task: by the last operation: softmax one class of many, sigmoid any of them, neither a regression.
        layers: units and activation of each layer.
        state: `layers.<i>.weight` [out, in] and `layers.<i>.bias` [out], float32.
    """

    task: Task
    layers: tuple[LayerSpec, ...]
    state: dict[str, Floats]

    @property
    def width(self) -> int:
        """Length of the embedding it stands on."""
        return int(self.state["layers.0.weight"].shape[1])


def read_head(flow: Flow, output: str) -> Head:
    """Read the layers that lead from a placeholder to `output`.

    Batch norms, scales and shifts are worked into the dense layers that they stand beside, in float64.

    Raises:
        SonotypeError: `invalid_request` where the graph is no head, `weights_corrupt` where it is damaged.
    """
    steps, begin = steps_to(flow, output)
    if begin.op != "Placeholder":
        raise unsupported(f"The graph is no head: it uses {begin.op[:40]!r}, which dense layers do not have.")
    task: Task = "regression"
    if steps and steps[-1].kind in _TASKS:
        task = _TASKS[steps.pop().kind]
    layers = _layers(steps)
    specs = tuple(LayerSpec(units=one.weight.shape[1], activation="relu" if one.relu else "linear") for one in layers)
    state: dict[str, Floats] = {}
    for index, layer in enumerate(layers):
        state[f"layers.{index}.weight"] = np.ascontiguousarray(layer.weight.T, np.float32)
        state[f"layers.{index}.bias"] = layer.bias.astype(np.float32)
    return Head(task, specs, state)


def _layers(steps: list[Step]) -> list[_Layer]:
    layers: list[_Layer] = []
    before: tuple[Doubles, Doubles] | None = None  # scale and shift of what the next dense layer is given
    for step in steps:
        if step.kind == "dense" and step.values is not None:
            layers.append(_dense(step, layers, before))
            before = None
        elif step.kind == "relu" and layers and before is None:
            layers[-1].relu = True
        elif (affine := _affine(step)) is not None:
            before = _applied(step, affine, layers, before)
        else:
            raise unsupported(f"The graph is no head: it has a {step.kind} at {step.node[:80]!r}.")
    if not layers or before is not None:
        raise unsupported("The graph is no head: it does not end in a dense layer.")
    return layers


def _dense(step: Step, layers: list[_Layer], before: tuple[Doubles, Doubles] | None) -> _Layer:
    weight = np.asarray(step.values, np.float64)
    if not weight.size or (layers and layers[-1].weight.shape[1] != weight.shape[0]):
        raise _misfit(step)
    bias = np.zeros(weight.shape[1])
    if before is None:
        return _Layer(weight, bias)
    scale, shift = (_wide(values, weight.shape[0], step) for values in before)
    return _Layer(weight * scale[:, None], bias + shift @ weight)


def _affine(step: Step) -> tuple[Doubles, Doubles] | None:
    """Scale and shift of a step, where it is one."""
    if step.kind == "norm" and step.norm is not None:
        norm = step.norm
        scale = norm.gamma / np.sqrt(norm.variance.astype(np.float64) + norm.epsilon)
        return scale, norm.beta - norm.mean * scale
    if step.kind in {"shift", "scale"} and step.values is not None:
        values = step.values.astype(np.float64)
        return (values, np.zeros(1)) if step.kind == "scale" else (np.ones(1), values)
    return None


def _applied(
    step: Step, affine: tuple[Doubles, Doubles], layers: list[_Layer], before: tuple[Doubles, Doubles] | None
) -> tuple[Doubles, Doubles] | None:
    """Work scale and shift into the layer before them; where a ReLU or nothing comes before, keep them for the next."""
    scale, shift = affine
    if layers and not layers[-1].relu:
        width = layers[-1].weight.shape[1]
        scale, shift = _wide(scale, width, step), _wide(shift, width, step)
        layers[-1].weight = layers[-1].weight * scale
        layers[-1].bias = layers[-1].bias * scale + shift
        return None
    if before is None:
        return scale, shift
    if len({len(one) for one in (scale, shift, *before)} - {1}) > 1:
        raise _misfit(step)
    return before[0] * scale, before[1] * scale + shift


def _wide(values: Doubles, width: int, step: Step) -> Doubles:
    """One number for each channel; a single one counts for all."""
    if len(values) not in {1, width}:
        raise _misfit(step)
    return np.broadcast_to(values, (width,))


def _misfit(step: Step) -> SonotypeError:
    return unsupported(f"The graph is no head: {step.node[:80]!r} does not fit the layer before it.")
