"""What may compute a network on a device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec

from sonotype.models.card import Card
from sonotype.models.runtime.base import Engine, Precision, best_engine, on_device, own_engine
from sonotype.models.runtime.cpu import resolve_precision

ENGINES: tuple[Engine, ...] = ("torch", "openvino", "onnxruntime")
_EXTRA = ("onnx", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An engine and its arithmetic, neither of them `auto`."""

    engine: Engine
    precision: Precision

    def __str__(self) -> str:
        return f"{self.engine} {self.precision}"


REFERENCE = Candidate("torch", "fp32")


def is_tunable(card: Card) -> bool:
    """Whether there is a choice at all: networks with weights, scores and a log-mel front end."""
    return card.network.family != "fake" and own_engine(card) is None and bool(card.labels) and card.weights is not None


def has_onnxruntime() -> bool:
    """Whether the extra `onnx` is installed."""
    return all(find_spec(name) is not None for name in _EXTRA)


def candidates(device: str, precision: Precision = "auto", engines: Iterable[Engine] = ENGINES) -> list[Candidate]:
    """What can be tried on a device, the reference first.

    bf16 is left out where a CPU would emulate it, and for ONNX Runtime, which has no bf16 convolutions on CPUs.
    """
    bf16 = device != "cpu" or resolve_precision("auto") == "bf16"
    found = [REFERENCE] if precision != "bf16" else []
    for engine in engines:
        if not on_device(engine, device) or (engine == "onnxruntime" and not has_onnxruntime()):
            continue
        if precision != "bf16":
            found.append(Candidate(engine, "fp32"))
        if precision != "fp32" and bf16 and engine != "onnxruntime":
            found.append(Candidate(engine, "bf16"))
    return list(dict.fromkeys(found))


def default(device: str) -> Engine:
    """What computes where nothing was measured."""
    return best_engine(device)
