"""Engines that take as long and are as wrong as a test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from bench.maest.cards import make_card
from maest_kit import OPTIONS

from sonotype.core.types import Floats
from sonotype.models.card import Card
from sonotype.models.card_parts import WeightsSpec
from sonotype.models.runtime.base import RunOutput

LABELS = [f"label {n}" for n in range(8)]


def tunable_card(**changes: Any) -> Card:
    """A small MAEST's card, without any weights behind it."""
    card = make_card("maest-tiny", LABELS, OPTIONS)
    return card.model_copy(update={"weights": WeightsSpec(sha256="ab" * 32, n_parameters=1)} | changes)


class Clock:
    """Stands still until an engine moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Behaviour:
    """Of one engine: seconds per row, what it adds to scores, or what it raises when it is loaded."""

    seconds: float
    error: Floats | float = 0.0
    fault: Exception | None = None


@dataclass
class Engines:
    """Stands in for `runtime.load`; what was loaded is written down."""

    card: Card
    clock: Clock
    behaviours: dict[tuple[str, str], Behaviour]
    loaded: list[tuple[str, str]] = field(default_factory=list)

    def __call__(
        self, card: Card, weights: Path | None, device: str, precision: str, threads: int, *, engine: str = "auto"
    ) -> _Runtime:
        self.loaded.append((engine, precision))
        behaviour = self.behaviours.get((engine, precision), Behaviour(1.0))
        if behaviour.fault is not None:
            raise behaviour.fault
        return _Runtime(card, self.clock, behaviour)


class _Runtime:
    def __init__(self, card: Card, clock: Clock, behaviour: Behaviour) -> None:
        self.card, self.precision, self.outputs = card, "fp32", {"tags": (len(card.labels),)}
        self._clock, self._behaviour = clock, behaviour

    def run(self, windows: Floats, valid_frames: Any, fill: str, frontend: str, patchout: object = None) -> RunOutput:
        self._clock.now += len(windows) * self._behaviour.seconds
        scores = np.linspace(0.1, 0.8, len(LABELS), dtype=np.float32) + self._behaviour.error
        return RunOutput({"tags": np.tile(scores, (len(windows), 1)).astype(np.float32)}, {})
