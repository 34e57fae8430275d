"""What every runtime does, and which one serves a card on a device."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Fill, Floats, Patchout
from sonotype.models.card import Card
from sonotype.models.card_parts import RuntimeSpec

Engine = Literal["auto", "torch", "openvino", "onnxruntime"]
Precision = Literal["auto", "fp32", "bf16"]

# the module of each engine offers load(card, weights, device, precision, threads) -> Runtime
_ENGINES: dict[str, str] = {
    "torch": "sonotype.models.runtime.torch_runtime",
    "openvino": "sonotype.models.runtime.openvino_runtime",
    "onnxruntime": "sonotype.models.runtime.onnxruntime_runtime",
    "waveform": "sonotype.models.runtime.waveform_runtime",
    "graph": "sonotype.models.runtime.graph_runtime",
}
# families whose networks need more than an engine alone knows of, with a runtime of their own for each engine
_FAMILIES: dict[str, dict[str, str]] = {
    "maest": {
        "torch": "sonotype.models.runtime.maest_runtime",
        "openvino": "sonotype.models.runtime.maest_openvino",
        "onnxruntime": "sonotype.models.runtime.maest_onnxruntime",
    },
}
# the engine that won `bench/throughput` and `bench/maest` on each kind of device
_BEST: dict[str, Engine] = {"cpu": "openvino", "cuda": "torch"}


@dataclass(frozen=True, slots=True)
class RunOutput:
    """Outputs of one batch.

    Attributes:
        arrays: output name to rows, shape [B, *shape of one row].
        seconds: wall time by step, `frontend` and `network`.
    """

    arrays: Mapping[str, Floats]
    seconds: Mapping[str, float]


class Runtime(Protocol):
    """One loaded model on one device; not safe for use by several threads at once."""

    card: Card
    precision: Literal["fp32", "bf16"]
    outputs: Mapping[str, tuple[int, ...]]

    def run(
        self,
        windows: Floats,
        valid_frames: NDArray[np.int64],
        fill: Fill,
        frontend: str,
        patchout: Patchout | None = None,
    ) -> RunOutput:
        """Run front end and network on one batch.

        Args:
            windows: samples at the front end's rate, shape [B, window_samples].
            valid_frames: leading frames of each patch that hold audio, shape [B].
            fill: how the other frames are filled.
            frontend: name of the front end variant, one of the card's.
            patchout: what to leave out of each patch; only transformers can.

        Returns:
            One row per window, in order; a row does not depend on its batch-mates.
        """
        ...


def output_shapes(card: Card) -> dict[str, tuple[int, ...]]:
    """Name and row shape of every output of a card's network, known without loading it."""
    shapes: dict[str, tuple[int, ...]] = {"tags": (len(card.labels),)}
    return shapes | {spec.name: (spec.dim,) for spec in card.embeddings}


def wanted(card: Card, engine: Engine, precision: Precision) -> tuple[Engine, Precision]:
    """Engine and precision, the card's where `auto` leaves them open."""
    fixed = card.runtime or RuntimeSpec()
    return fixed.engine if engine == "auto" else engine, fixed.precision if precision == "auto" else precision


def best_engine(device: str) -> Engine:
    """The engine that `auto` means on a device."""
    return _BEST[device.partition(":")[0]]


def on_device(engine: str, device: str) -> bool:
    """Whether an engine computes on a device: torch everywhere, the others on the CPU."""
    return engine == "torch" or device == "cpu"


def load(
    card: Card,
    weights: Path | None,
    device: str,
    precision: Precision,
    threads: int = 1,
    *,
    engine: Engine = "auto",
) -> Runtime:
    """Load a model.

    Args:
        card: the model's card.
        weights: the file of weights; None only for families without weights.
        device: `cpu`, or `cuda` with an optional index.
        precision: arithmetic of the network; `auto` is bf16 where the engine computes it natively and keeps mean
            tags within 5e-3 of float32.
        threads: CPU threads inside one call.
        engine: `auto` takes the card's, or the fastest for the device; `torch` is the reference. Networks on
            waveforms, and graphs that come as TFLite or ONNX, have one of their own, whatever is asked for.

    Raises:
        SonotypeError: WEIGHTS_MISSING, or WEIGHTS_CORRUPT when the file does not fit the network; INVALID_REQUEST
            for an engine that is not installed or not for this device.
    """
    if card.network.family == "fake":
        fake = importlib.import_module("sonotype.models.runtime.fake")
        return cast(Runtime, fake.FakeRuntime(card))
    if weights is None:
        raise SonotypeError(Code.WEIGHTS_MISSING, f"The weights of {card.address} are not pulled.")
    engine, precision = wanted(card, engine, precision)
    chosen: str = best_engine(device) if engine == "auto" else engine
    if (own := own_engine(card)) is None and not on_device(chosen, device):
        raise SonotypeError(Code.INVALID_REQUEST, f"The engine {chosen} does not compute on {device!r} here.")
    engines = _ENGINES | _FAMILIES.get(card.network.family, {})
    module = importlib.import_module(engines[own or chosen])
    return cast(Runtime, module.load(card, weights, device, precision, threads))


def own_engine(card: Card) -> str | None:
    """The engine of a network that no other can compute, or None where there is a choice."""
    if card.weights is not None and card.weights.format != "safetensors":
        return "graph"
    return None if card.mel_frontends else "waveform"
