"""What takes turns: every engine and arithmetic of a network; of a graph, its own runtime and the original's."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bench.engines.subjects import Subject
from sonotype.core.types import Floats
from sonotype.models.card import Card
from sonotype.models.runtime import RunOutput, Runtime, load, output_shapes
from sonotype.models.runtime.base import own_engine
from sonotype.models.tuning.candidates import Candidate, candidates

ORIGINAL = "litert int8"


@dataclass(frozen=True, slots=True)
class Contender:
    """A loaded engine.

    Attributes:
        name: its engine and arithmetic.
        runtime: what runs.
        load_s: CPU seconds that loading and compiling took.
    """

    name: str
    runtime: Runtime
    load_s: float


def contenders(subject: Subject) -> list[Contender]:
    """Everything that computes a network on this CPU; the first one is what the others are compared with."""
    if own_engine(subject.card) == "graph":
        return [Contender(ORIGINAL, LiteRt(subject.card, subject.weights), 0.0), _loaded(subject, "openvino fp32")]
    return [_loaded(subject, str(candidate), candidate) for candidate in candidates("cpu")]


def _loaded(subject: Subject, name: str, candidate: Candidate | None = None) -> Contender:
    what = candidate or Candidate("auto", "fp32")
    begin = time.process_time()
    runtime = load(subject.card, subject.weights, "cpu", what.precision, 1, engine=what.engine)
    return Contender(name, runtime, time.process_time() - begin)


class LiteRt:
    """The interpreter that YAMNet's file was made for, with its faster kernels.

    Args:
        card: the model's card.
        weights: a TFLite file that takes one window of samples and gives scores.
    """

    def __init__(self, card: Card, weights: Path) -> None:
        # of the development extras
        from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415

        self.card = card
        self.outputs: Mapping[str, tuple[int, ...]] = output_shapes(card)
        self.precision: Literal["fp32", "bf16"] = "fp32"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about its own future
            self._interpreter: Any = Interpreter(str(weights), num_threads=1)
        self._interpreter.allocate_tensors()

    def run(self, windows: Floats, valid_frames: Any, fill: str, frontend: str, patchout: object = None) -> RunOutput:
        """Scores alone; see `Runtime.run`."""
        return RunOutput({"tags": np.stack([self._scores(window) for window in windows])}, {})

    def _scores(self, window: Floats) -> Floats:
        interpreter = self._interpreter
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], window)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0], np.float32)
