"""The networks on CPU through ONNX Runtime, in float32: the same graphs that OpenVINO compiles."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from sonotype.core.types import Fill, Floats, Patchout
from sonotype.models.card import Card
from sonotype.models.frontend.logmel import LogMel
from sonotype.models.runtime.base import Precision, RunOutput, output_shapes
from sonotype.models.runtime.cpu import keep_freed_memory
from sonotype.models.runtime.graphs import Graph, build_graph
from sonotype.models.runtime.onnx_session import OnnxModule, onnxruntime

_FRONTEND_ROWS = 8


def load(card: Card, weights: Path, device: str, precision: Precision, threads: int) -> OnnxRuntime:
    """Load and compile a network; see `runtime.load`. It runs in float32 whatever `precision` says.

    Raises:
        SonotypeError: `invalid_request` where ONNX Runtime is not installed.
    """
    onnxruntime()
    torch.set_num_threads(threads)
    keep_freed_memory()
    return OnnxRuntime(card, build_graph(card, weights, "fp32"), threads)


class OnnxRuntime:
    """A compiled network with its front ends; patches run one after the other.

    Args:
        card: the model's card.
        graph: its network.
        threads: CPU threads of one call.
    """

    def __init__(self, card: Card, graph: Graph, threads: int) -> None:
        self.card = card
        self.precision: Literal["fp32", "bf16"] = "fp32"
        self.outputs = output_shapes(card)
        self._frontends = {name: LogMel(spec) for name, spec in card.mel_frontends.items()}
        self._graph = graph
        silence = torch.zeros(card.patch.frames, next(iter(card.mel_frontends.values())).n_mels)
        self._module = OnnxModule(graph.module, (*graph.prepare(silence), *graph.constants), threads)

    def run(
        self,
        windows: Floats,
        valid_frames: NDArray[np.int64],
        fill: Fill,
        frontend: str,
        patchout: Patchout | None = None,
    ) -> RunOutput:
        """Run one batch; see `Runtime.run`."""
        arrays = {name: np.empty((len(windows), *shape), np.float32) for name, shape in self.outputs.items()}
        seconds = {"frontend": 0.0, "network": 0.0}
        for first in range(0, len(windows), _FRONTEND_ROWS):
            rows = slice(first, first + _FRONTEND_ROWS)
            begin = time.perf_counter()
            with torch.inference_mode():
                mels = self._frontends[frontend](
                    torch.from_numpy(windows[rows]), torch.from_numpy(valid_frames[rows]), fill
                )
            middle = time.perf_counter()
            for row, mel in enumerate(mels, start=first):
                self._network(mel, row, arrays)
            seconds["frontend"] += middle - begin
            seconds["network"] += time.perf_counter() - middle
        return RunOutput(arrays, seconds)

    def _network(self, mel: torch.Tensor, row: int, arrays: dict[str, Floats]) -> None:
        with torch.inference_mode():
            found = self._module(*self._graph.prepare(mel), *self._graph.constants)
        for name, tensor in zip(self._graph.outputs, found, strict=True):
            if name in arrays:
                arrays[name][row] = tensor[0].numpy()
