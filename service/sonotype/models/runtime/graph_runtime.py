"""Models whose weights are a graph (TFLite, ONNX), on the CPU through OpenVINO, in float32.

The graph takes the samples of a patch (YAMNet) or its log-mel frames (Essentia's EffNet and other exports); whatever
else a model does to its input must be a part of the graph. Nothing of torch is imported for a waveform.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sonotype.core.types import Fill, Floats, Patchout
from sonotype.models.card import Card
from sonotype.models.card_parts import FrontendSpec
from sonotype.models.runtime.base import Precision, RunOutput, output_shapes
from sonotype.models.runtime.graph_file import GraphFile
from sonotype.models.runtime.quiet_openvino import compile_for_cpu, openvino

Front = Callable[[Floats, NDArray[np.int64], Fill], Floats]


def load(card: Card, weights: Path, device: str, precision: Precision, threads: int) -> GraphRuntime:
    """Load and compile a graph; see `runtime.load`. It runs on the CPU in float32 whatever is asked for."""
    return GraphRuntime(card, GraphFile(card, weights), threads)


class GraphRuntime:
    """A compiled graph with its front ends.

    Args:
        card: the model's card.
        graph: its graph.
        threads: CPU threads of one call.
    """

    def __init__(self, card: Card, graph: GraphFile, threads: int) -> None:
        self.card = card
        self.precision: Literal["fp32", "bf16"] = "fp32"
        self.outputs = output_shapes(card)
        self._graph = graph
        self._fronts = {name: _log_mel(spec, threads) for name, spec in card.mel_frontends.items()}
        self._request = compile_for_cpu(graph.model, "fp32", threads).create_infer_request()

    def run(
        self,
        windows: Floats,
        valid_frames: NDArray[np.int64],
        fill: Fill,
        frontend: str,
        patchout: Patchout | None = None,
    ) -> RunOutput:
        """Run one batch; see `Runtime.run`. A graph has one length, so `native` patches are padded with silence."""
        arrays = {name: np.empty((len(windows), *shape), np.float32) for name, shape in self.outputs.items()}
        front = self._fronts.get(frontend, _samples)
        seconds = {"frontend": 0.0, "network": 0.0}
        for first in range(0, len(windows), self._graph.batch):
            rows = slice(first, min(first + self._graph.batch, len(windows)))
            begin = time.perf_counter()
            patches = front(windows[rows], valid_frames[rows], "pad" if fill == "native" else fill)
            middle = time.perf_counter()
            self._network(patches, rows, arrays)
            seconds["frontend"] += middle - begin
            seconds["network"] += time.perf_counter() - middle
        return RunOutput(arrays, seconds)

    def _network(self, patches: Floats, rows: slice, arrays: dict[str, Floats]) -> None:
        """Fill `rows` of the outputs from patches [n, T] or [n, T, F]; a batch that the graph fixes is filled up."""
        n, batch = len(patches), self._graph.batch
        data = _arranged(np.concatenate((patches, np.zeros_like(patches, shape=(batch - n, *patches.shape[1:])))), self)
        self._request.set_input_tensor(openvino.Tensor(data, shared_memory=True))
        self._request.infer()
        for position, name in enumerate(self._graph.outputs):
            found = self._request.get_output_tensor(position).data.reshape(batch, -1)[:n]
            arrays[name][rows] = self._scores(found) if name == "tags" else found

    def _scores(self, outputs: Floats) -> Floats:
        activation = self._graph.options.activation
        if activation == "sigmoid":
            return np.asarray(0.5 + 0.5 * np.tanh(0.5 * outputs))
        if activation == "softmax":
            powers = np.exp(outputs - outputs.max(1, keepdims=True))
            return np.asarray(powers / powers.sum(1, keepdims=True))
        return outputs

    @property
    def layout(self) -> str:
        """Axes of the graph's input."""
        return self._graph.layout


def _arranged(patches: Floats, runtime: GraphRuntime) -> Floats:
    """Patches [B, T] or [B, T, F] with their axes in the order of the graph's input."""
    kept = [axis for axis in runtime.layout if axis != "1"]
    if "B" not in kept:  # a graph without a batch axis takes one row
        patches = patches[0]
    source = "BTF" if "B" in kept else "TF"
    ordered = patches.transpose([source.index(axis) for axis in kept])
    places = tuple(place for place, axis in enumerate(runtime.layout) if axis == "1")
    return np.ascontiguousarray(np.expand_dims(ordered, places), dtype=np.float32)


def _samples(windows: Floats, valid_frames: NDArray[np.int64], fill: Fill) -> Floats:
    """No front end: samples after the valid ones are silence, or the valid ones again and again."""
    if fill != "repeat":
        return windows
    rows = zip(windows, valid_frames.tolist(), strict=True)
    return np.stack([row if valid == len(row) else np.resize(row[:valid], len(row)) for row, valid in rows])


def _log_mel(spec: FrontendSpec, threads: int) -> Front:
    import torch  # noqa: PLC0415 - only models with a log-mel front end need it

    from sonotype.models.frontend.logmel import LogMel  # noqa: PLC0415

    torch.set_num_threads(threads)
    module: Any = LogMel(spec)

    def front(windows: Floats, valid_frames: NDArray[np.int64], fill: Fill) -> Floats:
        with torch.inference_mode():
            found: Floats = module(torch.from_numpy(windows), torch.from_numpy(valid_frames), fill).numpy()
        return found

    return front
