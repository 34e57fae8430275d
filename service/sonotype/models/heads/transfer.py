"""The transfer head in plain NumPy: a few dense layers on the embedding of a backbone.

Alonso-Jiménez et al. 2020, "TensorFlow audio models in Essentia" (arXiv:2003.07393), section 3: shallow classifiers on
the features of a frozen network, one prediction per patch, their mean for the clip. It must stay free of torch, because
the gateway runs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats, Task
from sonotype.models.card import HeadCard
from sonotype.models.heads.head_file import read_head_file, unfit

HEAD_FILE = "head.safetensors"


@dataclass(frozen=True, slots=True)
class Dense:
    """One layer: x Wᵀ + b, with `weight` of shape [out, in] and `bias` of shape [out]."""

    weight: Floats
    bias: Floats


class TransferHead:
    """A transfer head; all arithmetic is in float32.

    Args:
        card: the model's card.
        layers: one for each of the card's.
        mean: subtracted from embeddings, shape [D]; None where nothing is standardised.
        scale: multiplies what is left, shape [D]; None as `mean`.
    """

    def __init__(
        self, card: HeadCard, layers: Sequence[Dense], mean: Floats | None = None, scale: Floats | None = None
    ) -> None:
        self.card = card
        self.labels = card.labels
        self._layers = tuple(layers)
        self._mean, self._scale = mean, scale

    @classmethod
    def load(cls, folder: Path, card: HeadCard) -> TransferHead:
        """Load the head of a model folder.

        Raises:
            SonotypeError: `weights_missing` without the file; `weights_corrupt` where its hash is not the card's, an
                array is missing, has another shape or type, or holds numbers that are not finite.
        """
        found = _read(folder, card)
        layers = [Dense(found[_weight(i)], found[_bias(i)]) for i in range(len(card.layers))]
        return cls(card, layers, found.get("normalise.mean"), found.get("normalise.scale"))

    @property
    def dim(self) -> int:
        """Length of the embedding."""
        return int(self._layers[0].weight.shape[1])

    @property
    def layers(self) -> tuple[Dense, ...]:
        """The dense layers, for exports."""
        return self._layers

    @property
    def normalisation(self) -> tuple[Floats | None, Floats | None]:
        """Mean and scale, both or neither, for exports."""
        return self._mean, self._scale

    def outputs(self, embeddings: Floats) -> Floats:
        """Outputs of the last layer, before any softmax or sigmoid, shape [N, C], from embeddings [N, D].

        Raises:
            SonotypeError: `invalid_request` for another shape, no rows, or numbers that are not finite; `item_failed`
                where the outputs are not.
        """
        x = np.asarray(embeddings, dtype=np.float32)
        if x.ndim != 2 or x.shape[1] != self.dim or not len(x):
            detail = f"{self.card.name} takes embeddings of {self.dim} numbers, not {list(x.shape)}."
            raise SonotypeError(Code.INVALID_REQUEST, detail)
        if not np.isfinite(x).all():
            raise SonotypeError(Code.INVALID_REQUEST, "The embedding holds numbers that are not finite.")
        with np.errstate(over="ignore", invalid="ignore"):
            y = self._forward(x)
        if not np.isfinite(y).all():
            raise SonotypeError(Code.ITEM_FAILED, f"{self.card.name} gave numbers that are not finite.")
        return y

    def predict(self, embeddings: Floats) -> Floats:
        """What the head says of patches, shape [N, C], from embeddings [N, D].

        Probabilities, softmax or for multilabel heads sigmoid of outputs / temperature; of a regression the outputs
        themselves, which have no bounds. The prediction of a clip is their mean over its patches.

        Raises:
            SonotypeError: as `outputs`.
        """
        return activate(self.outputs(embeddings), self.card.task, self.card.temperature)

    def _forward(self, x: Floats) -> Floats:
        if self._mean is not None and self._scale is not None:
            x = (x - self._mean) * self._scale
        for layer, spec in zip(self._layers, self.card.layers, strict=True):
            x = x @ layer.weight.T + layer.bias
            if spec.activation == "relu":
                x = np.maximum(x, np.float32(0))
        return x


def activate(outputs: NDArray[np.floating], task: Task, temperature: float) -> Floats:
    """What outputs [..., C] of the last layer mean; see `TransferHead.predict`."""
    if task == "regression":
        return np.asarray(outputs, dtype=np.float32)
    scaled = np.asarray(outputs, dtype=np.float64) / temperature
    if task == "multilabel":
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * scaled)), dtype=np.float32)
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)


def head_bytes(layers: Sequence[Dense], mean: Floats | None = None, scale: Floats | None = None) -> bytes:
    """The safetensors file of a head; the same numbers give the same bytes."""
    arrays = {name: array for i, d in enumerate(layers) for name, array in ((_weight(i), d.weight), (_bias(i), d.bias))}
    if mean is not None and scale is not None:
        arrays |= {"normalise.mean": mean, "normalise.scale": scale}
    return bytes(save({name: np.ascontiguousarray(array, dtype=np.float32) for name, array in arrays.items()}))


def _weight(index: int) -> str:
    return f"layers.{index}.weight"


def _bias(index: int) -> str:
    return f"layers.{index}.bias"


def _read(folder: Path, card: HeadCard) -> dict[str, Floats]:
    """The arrays of the file, as the card wants them."""
    found = read_head_file(folder / HEAD_FILE, card, "weights")
    fault = _fault(found, card)
    if fault:
        raise unfit(card, "weights", fault)
    return found


def _fault(found: Mapping[str, NDArray[np.generic]], card: HeadCard) -> str | None:
    """What is wrong with the names, shapes or numbers, or None."""
    names = {name for i in range(len(card.layers)) for name in (_weight(i), _bias(i))}
    if any(name.startswith("normalise.") for name in found):
        names |= {"normalise.mean", "normalise.scale"}
    if found.keys() != names:
        return f"miss or add arrays: {', '.join(sorted(found.keys() ^ names))[:120]}"
    for name, array in found.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            return f"hold {name!r} that is not float32 or not finite"
    first = found[_weight(0)]
    if first.ndim != 2 or not first.size:
        return f"hold {_weight(0)!r} of shape {list(first.shape)} instead of [{card.layers[0].units}, D]"
    for name, shape in _shapes(card, first.shape[1], names).items():
        if found[name].shape != shape:
            return f"hold {name!r} of shape {list(found[name].shape)} instead of {list(shape)}"
    return None


def _shapes(card: HeadCard, dim: int, names: set[str]) -> dict[str, tuple[int, ...]]:
    """The shape that every array has to have."""
    widths = pairwise((dim, *(layer.units for layer in card.layers)))
    shapes: dict[str, tuple[int, ...]] = {name: (dim,) for name in names if name.startswith("normalise.")}
    for i, (inputs, outputs) in enumerate(widths):
        shapes |= {_weight(i): (outputs, inputs), _bias(i): (outputs,)}
    return shapes
