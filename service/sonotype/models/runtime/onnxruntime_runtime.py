"""The networks on CPU through ONNX Runtime, in float32: the same graphs that OpenVINO compiles."""

from __future__ import annotations

from pathlib import Path

import torch

from sonotype.core.types import Floats
from sonotype.models.card import Card
from sonotype.models.runtime.base import Precision
from sonotype.models.runtime.cpu import keep_freed_memory
from sonotype.models.runtime.graphs import Graph, build_graph
from sonotype.models.runtime.onnx_session import OnnxModule, onnxruntime
from sonotype.models.runtime.row_runtime import RowRuntime


def load(card: Card, weights: Path, device: str, precision: Precision, threads: int) -> OnnxRuntime:
    """Load and compile a network; see `runtime.load`. It runs in float32 whatever `precision` says.

    Raises:
        SonotypeError: `invalid_request` where ONNX Runtime is not installed.
    """
    onnxruntime()
    torch.set_num_threads(threads)
    keep_freed_memory()
    return OnnxRuntime(card, build_graph(card, weights, "fp32"), threads)


class OnnxRuntime(RowRuntime):
    """A compiled network with its front ends; patches run one after the other.

    Args:
        card: the model's card.
        graph: its network.
        threads: CPU threads of one call.
    """

    def __init__(self, card: Card, graph: Graph, threads: int) -> None:
        super().__init__(card, "fp32")
        self._graph = graph
        self._module = OnnxModule(graph.module, (*graph.prepare(self._silence()), *graph.constants), threads)

    def _network(self, mel: torch.Tensor, row: int, arrays: dict[str, Floats]) -> None:
        with torch.inference_mode():
            found = self._module(*self._graph.prepare(mel), *self._graph.constants)
        for name, tensor in zip(self._graph.outputs, found, strict=True):
            if name in arrays:
                arrays[name][row] = tensor[0].numpy()
