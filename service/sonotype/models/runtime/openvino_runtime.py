"""The networks on CPU through OpenVINO: the winner of `bench/throughput`."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import torch

from sonotype.core.types import Floats
from sonotype.models.card import Card
from sonotype.models.runtime.base import Precision
from sonotype.models.runtime.cpu import keep_freed_memory, resolve_precision
from sonotype.models.runtime.graphs import Graph, build_graph
from sonotype.models.runtime.quiet_openvino import compile_for_cpu, openvino
from sonotype.models.runtime.row_runtime import RowRuntime

# `auto` takes bf16 where mean tags of whole clips stay within 5e-3 of float32; VGG reached 5.9e-3 on one of 25 clips
_BF16_FAMILIES = {"musicnn"}


def load(card: Card, weights: Path, device: str, precision: Precision, threads: int) -> OpenVinoRuntime:
    """Load and compile a network; see `runtime.load`.

    Raises:
        ValueError: the device is not the CPU.
    """
    if device != "cpu":
        raise ValueError(f"this runtime serves the CPU, not {device!r}")
    torch.set_num_threads(threads)
    keep_freed_memory()
    chosen = resolve_precision(precision) if precision != "auto" or card.network.family in _BF16_FAMILIES else "fp32"
    return OpenVinoRuntime(card, build_graph(card, weights, chosen), chosen, threads)


class OpenVinoRuntime(RowRuntime):
    """A compiled network with its front ends; patches run one after the other.

    bf16 rounds the inputs and weights of the large products only; the front end, the transform along mel and all
    sums stay in float32.

    Args:
        card: the model's card.
        graph: its network.
        precision: arithmetic of the compiled part.
        threads: CPU threads of one call.
    """

    def __init__(self, card: Card, graph: Graph, precision: Literal["fp32", "bf16"], threads: int) -> None:
        super().__init__(card, precision)
        self._graph = graph
        data = graph.prepare(self._silence())
        self._request = _compile(graph, data, precision, threads).create_infer_request()
        self._bind(graph.constants, first=len(data))

    def _network(self, mel: torch.Tensor, row: int, arrays: dict[str, Floats]) -> None:
        with torch.inference_mode():
            data = self._graph.prepare(mel)
        self._bind(data)
        self._request.infer()
        for position, name in enumerate(self._graph.outputs):
            if name in arrays:
                arrays[name][row] = self._request.get_output_tensor(position).data[0]

    def _bind(self, tensors: Iterable[torch.Tensor], first: int = 0) -> None:
        """Let inputs read the memory of tensors, which must live until the network has run."""
        for position, tensor in enumerate(tensors, start=first):
            self._request.set_input_tensor(position, openvino.Tensor(tensor.numpy(), shared_memory=True))


def _compile(graph: Graph, data: tuple[torch.Tensor, ...], precision: Literal["fp32", "bf16"], threads: int) -> Any:
    """Trace, convert and compile; the returned model takes the shapes of `data` and no others."""
    inputs = (*data, *graph.constants)
    with warnings.catch_warnings(), torch.no_grad():
        # the tracer notes that it fixes shapes, which is wanted, and that it is to be replaced one day
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(graph.module, inputs, check_trace=False)  # type: ignore[no-untyped-call]
    model = openvino.convert_model(traced, example_input=inputs)
    model.reshape({i: list(tensor.shape) for i, tensor in enumerate(inputs)})
    return compile_for_cpu(model, precision, threads)
