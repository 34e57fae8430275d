"""Reader of heads in ONNX, without any ONNX library.

Field numbers are those of ONNX's `onnx.proto`. Operations that heads have get the names that TensorFlow gives them;
others keep their own and are refused where the layers are read. Values are found by name, never by shape: published
heads have two outputs of one shape, activations and logits.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial

import numpy as np

from sonotype.models.essentia.graph import MAX_DIMS, MAX_INPUTS, MAX_NODES, Attribute, Graph, Node, Tensor, unsupported
from sonotype.models.weights.base import corrupt
from sonotype.models.weights.wire import content, fields, number, signed, text, varints

_OPS = {"Add": "AddV2", "Flatten": "Reshape", "Unsqueeze": "ExpandDims", "Gemm": "_FusedMatMul"}
_OPS |= {"BatchNormalization": "FusedBatchNorm"}
# data type: kind, element type of raw data, field of the list, element type of the list
_TYPES = {
    1: ("float", "<f4", 4, "<f4"),
    6: ("int", "<i4", 5, ""),
    7: ("int", "<i8", 7, ""),
    11: ("float", "<f8", 10, "<f8"),
}
_MAX_LISTED = 4096


def read_onnx(data: bytes) -> Graph:
    """Read a model.

    Raises:
        SonotypeError: `weights_corrupt`: the file is damaged, or no ONNX model.
    """
    graph = next((content(value) for tag, value in fields(data) if tag == 7), b"")
    nodes: dict[str, Node] = {}
    inputs: list[str] = []
    for tag, value in fields(graph):
        if tag == 1:
            _add(nodes, *_node(content(value)))
        elif tag == 5:
            name, tensor = _tensor(content(value))
            _add(nodes, Node(name, "Const", tensor=tensor))
        elif tag == 11:
            inputs.append(_name(dict(fields(value)).get(1, b"")))
        if len(inputs) > MAX_INPUTS:
            raise corrupt("The graph has too many inputs.")
    for name in inputs:
        nodes.setdefault(name, Node(name, "Placeholder"))  # older files name their constants among the inputs
    if not nodes:
        raise corrupt("The file is no ONNX model: it holds no nodes.")
    return Graph(nodes)


def _add(nodes: dict[str, Node], *fresh: Node) -> None:
    for node in fresh:
        if node.name in nodes or len(nodes) == MAX_NODES:
            raise corrupt("The graph has two values of one name, or too many.")
        nodes[node.name] = node


def _node(message: bytes) -> list[Node]:
    """One node for each output; only the first of an operation is what layers hand on."""
    inputs, outputs, op = list[str](), list[str](), ""
    attrs: dict[str, Attribute] = {}
    tensor: Tensor | None = None
    for tag, value in fields(message):
        if tag == 1:
            inputs.append(_name(value))
        elif tag == 2:
            outputs.append(_name(value))
        elif tag == 4:
            op = text(value)
        elif tag == 5:
            name, attribute = _attribute(content(value))
            tensor = attribute if isinstance(attribute, Tensor) else tensor
            attrs |= {} if attribute is None or isinstance(attribute, Tensor) else {name: attribute}
        if max(len(inputs), len(outputs), len(attrs)) > MAX_INPUTS:
            raise corrupt("A node of the graph has too many inputs, outputs or settings.")
    if not outputs or not op:
        raise corrupt("A node of the graph has no output or no operation.")
    if op == "Constant":
        return [Node(outputs[0], "Const", tensor=tensor)]
    return [Node(outputs[0], _OPS.get(op, op), tuple(filter(None, inputs)), _settings(op, attrs, len(inputs)))]


def _settings(op: str, attrs: dict[str, Attribute], n_inputs: int) -> dict[str, Attribute]:
    """The settings as TensorFlow names them."""
    if op == "Gemm":
        if (attrs.get("alpha", 1.0), attrs.get("beta", 1.0)) != (1.0, 1.0):
            raise unsupported("The graph scales a dense layer, which cannot be imported.")
        fused = ("BiasAdd",) if n_inputs > 2 else ()
        turned = {"transpose_a": bool(attrs.get("transA", 0)), "transpose_b": bool(attrs.get("transB", 0))}
        return {**turned, "fused_ops": fused}
    if op == "BatchNormalization":
        return {"epsilon": attrs.get("epsilon", 1e-5), "is_training": bool(attrs.get("training_mode", 0))}
    if op == "Softmax" and attrs.get("axis", -1) not in {-1, 1}:
        raise unsupported("The graph has a softmax over something else than the classes.")
    return attrs


def _attribute(message: bytes) -> tuple[str, Attribute | Tensor | None]:
    name = ""
    found: Attribute | Tensor | None = None
    for tag, value in fields(message):
        if tag == 1:
            name = text(value)
        elif tag == 2:
            found = float(struct.unpack("<f", (number(value) & 0xFFFFFFFF).to_bytes(4, "little"))[0])
        elif tag == 3:
            found = signed(value)
        elif tag == 5:
            _, found = _tensor(content(value))
    return name, found


def _tensor(message: bytes) -> tuple[str, Tensor]:
    name, kind, raw = "", 0, b""
    shape: list[int] = []
    listed: list[tuple[int, int | bytes]] = []
    for tag, value in fields(message):
        if tag == 1:
            shape += varints(value, MAX_DIMS) if isinstance(value, bytes) else [signed(value)]
        elif tag == 2:
            kind = number(value)
        elif tag == 8:
            name = _name(value)
        elif tag == 9:
            raw = content(value)
        elif tag in {13, 14}:
            raise unsupported("The weights lie in another file, which cannot be imported.")
        else:
            listed.append((tag, value))
        if len(shape) > MAX_DIMS or len(listed) > _MAX_LISTED:
            raise corrupt("A constant of the graph has more axes, or is a longer list, than any model needs.")
    plain, element, field, packed = _TYPES.get(kind, ("other", "", 0, ""))
    values = [value for own, value in listed if own == field]
    decode: Callable[[], np.ndarray] = partial(_decoded, raw, element) if raw else partial(_listed, values, packed)
    return name, Tensor(tuple(shape), plain, decode)


def _decoded(raw: bytes, element: str) -> np.ndarray:
    if not element or len(raw) % np.dtype(element).itemsize:
        raise corrupt("A constant of the graph has a type or a length that cannot be read.")
    return np.frombuffer(raw, element)


def _listed(values: list[int | bytes], element: str) -> np.ndarray:
    if element:
        width = np.dtype(element).itemsize
        parts = [v if isinstance(v, bytes) else (v & ((1 << 8 * width) - 1)).to_bytes(width, "little") for v in values]
        return _decoded(b"".join(parts), element)
    numbers = list[int]()
    for value in values[:_MAX_LISTED]:
        numbers += varints(value, _MAX_LISTED) if isinstance(value, bytes) else [signed(value)]
    return np.array(numbers, np.int64)


def _name(value: int | bytes) -> str:
    """Name of a value without the `:0` that converters add; another index becomes a part of the name."""
    return text(value).removesuffix(":0").replace(":", "#").removeprefix("^")
