"""From the variables of a published checkpoint to the state of our networks, without torch.

TensorFlow stores convolution kernels as [time, mel, in, out] and dense ones as [in, out]; our modules, like torch's,
want [out, in, time, mel] and [out, in]. Optimiser slots are left out. The bytes that come out depend on nothing but
the numbers, so that a card can pin their hash.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from sonotype.core.types import Floats
from sonotype.models.weights.base import corrupt

Arrays = Mapping[str, Floats]
_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
N_PARAMETERS = {"musicnn": 792_079, "vgg": 607_030}


def is_inference_variable(name: str) -> bool:
    """Whether a variable of a checkpoint takes part in inference (and is not the optimiser's)."""
    return not name.endswith(("/Adam", "/Adam_1", "beta1_power", "beta2_power"))


def conv2d(kernel: Floats) -> Floats:
    """[time, mel, in, out] to [out, in, time, mel]."""
    return kernel.transpose(3, 2, 0, 1)


def conv1d(kernel: Floats) -> Floats:
    """[time, in, 1, out], a convolution over all channels at once, to [out, in, time]."""
    return kernel[:, :, 0, :].transpose(2, 1, 0)


def dense(kernel: Floats) -> Floats:
    """[in, out] to [out, in]."""
    return kernel.T


class _Builder:
    """Collects the state of a network from a checkpoint, variable by variable."""

    def __init__(self, variables: Arrays) -> None:
        self._variables = dict(variables)
        self.state: dict[str, Floats] = {}

    def take(self, name: str) -> Floats:
        try:
            return self._variables.pop(name)
        except KeyError:
            raise corrupt(f"The checkpoint has no variable {name!r}.") from None

    def norm(self, target: str, number: int) -> None:
        source = "batch_normalization" + (f"_{number}" if number else "")
        for theirs, ours in _NORM.items():
            self.state[f"{target}.{ours}"] = self.take(f"{source}/{theirs}")

    def linear(self, target: str, source: str, layout: Callable[[Floats], Floats]) -> None:
        try:
            self.state[f"{target}.weight"] = layout(self.take(f"{source}/kernel"))
        except (ValueError, IndexError):
            raise corrupt(f"The kernel of {source!r} has an unexpected shape.") from None
        self.state[f"{target}.bias"] = self.take(f"{source}/bias")

    def finish(self, family: str) -> dict[str, Floats]:
        if self._variables:
            raise corrupt(f"The checkpoint holds unknown variables, such as {min(self._variables)[:80]!r}.")
        total = sum(array.size for array in self.state.values())
        if total != N_PARAMETERS[family]:
            raise corrupt(f"The checkpoint holds {total} parameters instead of {N_PARAMETERS[family]}.")
        return {name: np.ascontiguousarray(array) for name, array in sorted(self.state.items())}


def musicnn(variables: Arrays) -> dict[str, Floats]:
    """State of `nets.musicnn` from the variables of a MusiCNN checkpoint."""
    build = _Builder(variables)
    build.norm("input_norm", 0)
    for branch, count, first, layout in (("timbral", 2, 0, conv2d), ("temporal", 3, 2, conv2d), ("mid", 3, 5, conv1d)):
        for index in range(count):
            number = first + index
            build.linear(f"{branch}.{index}.conv", f"conv2d_{number}" if number else "conv2d", layout)
            build.norm(f"{branch}.{index}.norm", number + 1)
    build.norm("pool_norm", 9)
    build.linear("hidden", "dense", dense)
    build.norm("hidden_norm", 10)
    build.linear("output", "dense_1", dense)
    return build.finish("musicnn")


def vgg(variables: Arrays) -> dict[str, Floats]:
    """State of `nets.vgg` from the variables of a VGG checkpoint."""
    build = _Builder(variables)
    build.norm("input_norm", 0)
    for index in range(5):
        build.linear(f"blocks.{index}.conv", f"{index + 1}CNN", conv2d)
        build.norm(f"blocks.{index}.norm", index + 1)
    build.linear("output", "dense", dense)
    return build.finish("vgg")


CONVERTERS: dict[str, Callable[[Arrays], dict[str, Floats]]] = {"musicnn": musicnn, "vgg": vgg}


def to_safetensors(state: Arrays) -> bytes:
    """Serialise to the safetensors format, byte for byte the same for the same numbers.

    Written here, in the order of the names, because the library promises the format but not its order or padding,
    and a new release of it must not change a hash that a card pins.
    """
    header: dict[str, Any] = {}
    offset = 0
    for name, array in sorted(state.items()):
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    tensors = (array.astype("<f4").tobytes() for _, array in sorted(state.items()))
    return len(text).to_bytes(8, "little") + text + b"".join(tensors)


def from_safetensors(data: bytes) -> dict[str, Floats]:
    """Read a safetensors file of float32 arrays.

    Raises:
        SonotypeError: `weights_corrupt`.
    """
    try:
        state: dict[str, Floats] = load(data)
    except (SafetensorError, KeyError, ValueError) as error:
        raise corrupt("The weights are not a safetensors file.") from error
    if any(array.dtype != np.float32 for array in state.values()):
        raise corrupt("The weights are not float32.")
    return state
