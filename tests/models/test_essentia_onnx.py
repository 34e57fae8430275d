"""Heads in ONNX, as converters write them, against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from essentia_cases import embeddings
from essentia_kit import metadata, random_layers

from sonotype.core.errors import SonotypeError
from sonotype.models.card import HeadCard, read_card
from sonotype.models.essentia.importing import Imported, import_model
from sonotype.models.essentia.onnxgraph import read_onnx
from sonotype.models.heads.transfer import TransferHead
from sonotype.models.repository import builtin_repository

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
LAYERS = random_layers((200, 100, 3), 9)


def model(style: str, output: str = "Softmax") -> Any:
    """A head with two outputs of one shape, logits first, in the form of two converters."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    (first, one), (last, two) = LAYERS
    if style == "gemm":
        arrays = {"w": first.T, "b": one, "v": last.T, "c": two}
        nodes = [
            helper.make_node("Gemm", ["model/Placeholder", "w", "b"], ["h"], transB=1),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("Gemm", ["r", "v", "c"], ["model/dense_1/BiasAdd:0"], transB=1),
        ]
    else:
        arrays = {"w": first, "b": one, "v": last, "c": two}
        nodes = [
            helper.make_node("MatMul", ["model/Placeholder", "w"], ["m"]),
            helper.make_node("Add", ["m", "b"], ["h"]),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("MatMul", ["r", "v"], ["n"]),
            helper.make_node("Add", ["n", "c"], ["model/dense_1/BiasAdd:0"]),
        ]
    nodes.append(helper.make_node(output, ["model/dense_1/BiasAdd:0"], [f"model/{output}:0"]))
    value = lambda name, width: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, width])  # noqa: E731
    outputs = [value("model/dense_1/BiasAdd:0", 3), value(f"model/{output}:0", 3)]
    weights = [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "head", [value("model/Placeholder", 200)], outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def imported(folder: Path, data: bytes) -> Imported:
    (folder / "m.onnx").write_bytes(data)
    (folder / "m.json").write_bytes(metadata(["a", "b", "c"], output=""))
    card = read_card(builtin_repository() / "musicnn-msd" / "card.toml")
    return import_model("made", folder / "m.onnx", folder / "m.json", lambda: (card, "hidden"))


@pytest.mark.parametrize("style", ["gemm", "matmul"])
@pytest.mark.parametrize(("output", "task"), [("Softmax", "multiclass"), ("Sigmoid", "multilabel")])
def test_activations_are_taken_by_name_and_equal_onnx_runtimes(
    style: str, output: str, task: str, tmp_path: Path
) -> None:
    data = model(style, output).SerializeToString()
    made = imported(tmp_path, data)
    assert isinstance(made.card, HeadCard)
    assert made.card.task == task
    (tmp_path / made.file).write_bytes(made.weights)
    rows = embeddings(200)
    theirs = onnxruntime.InferenceSession(data).run([f"model/{output}:0"], {"model/Placeholder": rows})[0]
    np.testing.assert_allclose(TransferHead.load(tmp_path, made.card).predict(rows), theirs, atol=1e-5)


def test_damaged_models_are_refused_or_another_head(tmp_path: Path) -> None:
    data = model("gemm").SerializeToString()
    for at in [*range(0, 300, 7), *range(len(data) - 300, len(data), 3)]:
        for damaged in (data[:at], data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]):
            try:
                imported(tmp_path, damaged)
            except SonotypeError as error:
                assert len(error.detail) < 300  # noqa: PT017 - most of them are refused, not all


def test_what_heads_do_not_have_is_refused(tmp_path: Path) -> None:
    changed = model("gemm")
    changed.graph.node[1].op_type = "Erf"
    with pytest.raises(SonotypeError, match="'Erf'"):
        imported(tmp_path, changed.SerializeToString())
    changed = model("gemm")
    changed.graph.node[0].attribute.append(onnx.helper.make_attribute("alpha", 2.0))
    with pytest.raises(SonotypeError, match="scales"):
        imported(tmp_path, changed.SerializeToString())
    changed = model("gemm")
    changed.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    with pytest.raises(SonotypeError, match="another file"):
        imported(tmp_path, changed.SerializeToString())
    with pytest.raises(SonotypeError, match="no nodes"):
        read_onnx(b"")
