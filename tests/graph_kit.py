"""Small ONNX graphs, and model folders around them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sonotype.core.types import Floats
from sonotype.models.card import Card, read_card

FRAMES, MELS, LABELS = 8, 6, 3
RATE_HZ = 16000
WEIGHT = np.random.default_rng(5).normal(size=(MELS, LABELS)).astype(np.float32)
BIAS = np.array([0.5, -0.25, 0.0], dtype=np.float32)
MEL = {
    "sample_rate_hz": RATE_HZ,
    "n_fft": 256,
    "hop_length": 128,
    "n_mels": MELS,
    "fmin_hz": 0.0,
    "fmax_hz": 8000.0,
    "window": "periodic",
    "padding": "zero",
    "frames": "floor",
    "log_scale": 10000.0,
}
WAVE = {"kind": "waveform", "sample_rate_hz": RATE_HZ}


def mel_graph(*, batch: int | str = "batch", layout: str = "BTF", scores: bool = True) -> bytes:
    """Mean over the frames (`hidden`), one dense layer (`logits`), and where wanted a sigmoid (`scores`)."""
    sizes: dict[str, int | str] = {"B": batch, "T": FRAMES, "F": MELS, "1": 1}
    axes = [place for place, axis in enumerate(layout) if axis in "T1"]
    nodes = [
        helper.make_node("ReduceMean", ["patches", "axes"], ["hidden"], keepdims=0),
        helper.make_node("Gemm", ["hidden", "weight", "bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["scores"]),
    ]
    constants = {"axes": np.array(axes, dtype=np.int64), "weight": WEIGHT, "bias": BIAS}
    return model_bytes(
        nodes[: 3 if scores else 2],
        constants,
        [sizes[axis] for axis in layout],
        {"hidden": [batch, MELS], "scores" if scores else "logits": [batch, LABELS]},
    )


def wave_graph(samples: int) -> bytes:
    """One row of samples: their mean (`level`), and a sigmoid of ten times that and its opposite (`scores`)."""
    nodes = [
        helper.make_node("ReduceMean", ["patches", "axes"], ["level"], keepdims=1),
        helper.make_node("Mul", ["level", "slopes"], ["steep"]),
        helper.make_node("Sigmoid", ["steep"], ["scores"]),
    ]
    constants = {"axes": np.array([0], dtype=np.int64), "slopes": np.array([10.0, -10.0], dtype=np.float32)}
    return model_bytes(nodes, constants, [samples], {"level": [1], "scores": [2]})


def model_bytes(nodes: list[Any], constants: dict[str, Any], inputs: list[Any], outputs: dict[str, list[Any]]) -> bytes:
    """An ONNX file with one input, `patches`."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("patches", TensorProto.FLOAT, inputs)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def write_model(repository: Path, data: bytes, *, name: str = "tiny-graph", **changes: Any) -> tuple[Card, Path]:
    """A model folder with its graph beside the card; `changes` are fields of the card."""
    fields: dict[str, Any] = {
        "card_schema": 1,
        "name": name,
        "version": "1",
        "title": "Tiny",
        "description": "a graph",
        "labels": ["low", "mid", "high"],
        "citation": "",
        "network": {"family": "graph", "options": {"outputs": {"tags": "scores", "hidden": "hidden"}}},
        "frontends": {"mel": MEL},
        "patch": {"frames": FRAMES, "hop_frames": FRAMES, "tail": "drop", "short": "repeat"},
        "embeddings": [{"name": "hidden", "dim": MELS, "description": "mean over the frames"}],
        "weights": {"sha256": hashlib.sha256(data).hexdigest(), "n_parameters": 21, "format": "onnx"},
        "source": {"kind": "none"},
        "licence": {"spdx": "MIT", "commercial": True, "holder": "nobody"},
    } | changes
    folder = repository / name
    folder.mkdir(parents=True)
    (folder / "card.toml").write_text("\n".join(f"{key} = {_toml(value)}" for key, value in fields.items()) + "\n")
    (folder / "model.onnx").write_bytes(data)
    return read_card(folder / "card.toml"), folder / "model.onnx"


def expected(mels: Floats) -> tuple[Floats, Floats]:
    """`hidden` and `scores` of patches [B, T, F], in NumPy."""
    hidden = mels.mean(axis=1)
    return hidden, 1 / (1 + np.exp(-(hidden @ WEIGHT + BIAS)))


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
