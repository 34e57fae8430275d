"""Writers of files as the Essentia project publishes them: frozen graphs, TF.js models and their metadata.

Nodes, names and layouts are the published ones; weights are random, or those of a MusiCNN that is pulled.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from bundles import varint

from sonotype.models.essentia.graph import Attribute, Node
from sonotype.models.essentia.graphdef import read_graphdef
from sonotype.models.weights.wire import fields, text

Array = np.ndarray[Any, Any]
FLOAT, INT32, BOOL = 1, 3, 10


def put(number: int, value: int | bytes | str | float) -> bytes:
    """One protobuf field, written even where it is zero, as TensorFlow does for settings of a node."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(int(value) & (2**64 - 1))


def attr(name: str, kind: int, value: int | bytes | str | float) -> bytes:
    """An entry of a node's attributes; `kind` is the field of `AttrValue`."""
    return put(5, put(1, name) + put(2, put(kind, value)))


def shape_of(dims: Sequence[int]) -> bytes:
    return b"".join(put(2, put(1, dim)) for dim in dims)


def tensor(value: Array, *, dims: Sequence[int] | None = None, data: bytes | None = None) -> bytes:
    kind = {"f": FLOAT, "i": INT32, "b": BOOL}[value.dtype.kind]
    content = value.tobytes() if data is None else data
    return put(1, kind) + put(2, shape_of(value.shape if dims is None else dims)) + put(4, content)


def node(name: str, op: str, inputs: Iterable[str] = (), *attrs: bytes, dtype: int = FLOAT) -> bytes:
    """A node of a graph, ready to be put into one."""
    parts = b"".join(put(3, one) for one in inputs)
    return put(1, put(1, name) + put(2, op) + parts + b"".join(attrs) + attr("T", 6, dtype))


def const(name: str, value: Any, encoded: bytes | None = None) -> bytes:
    array = np.asarray(value)
    array = array.astype({"f": "<f4", "i": "<i4", "b": "?"}[array.dtype.kind])
    kind = {"f": FLOAT, "i": INT32, "b": BOOL}[array.dtype.kind]
    body = put(1, name) + put(2, "Const") + attr("dtype", 6, kind)
    return put(1, body + attr("value", 8, tensor(array) if encoded is None else encoded))


def placeholder(name: str, dims: Sequence[int]) -> bytes:
    body = put(1, name) + put(2, "Placeholder") + attr("dtype", 6, FLOAT)
    return put(1, body + attr("shape", 7, shape_of(dims)))


# -- classification heads ----------------------------------------------------------------------------------------------


def random_layers(widths: Sequence[int], seed: int) -> list[tuple[Array, Array]]:
    """Matrices [in, out] and biases of dense layers."""
    rng = np.random.default_rng(seed)
    scale = [1 / math.sqrt(width) for width in widths]
    return [
        (
            (rng.standard_normal((a, b)) * scale[i]).astype(np.float32),
            (rng.standard_normal(b) * 0.1).astype(np.float32),
        )
        for i, (a, b) in enumerate(pairwise(widths))
    ]


def head(
    layers: Sequence[tuple[Array, Array]], output: str, *, relu: bool = True, scope: str = "model", bare: bool = False
) -> bytes:
    """`model/Placeholder` through `model/dense`, `model/dense_1` … to `model/Softmax`, `/Sigmoid` or `/Identity`.

    Args:
        layers: matrix and bias of each.
        output: name of the last operation.
        relu: whether ReLU stands between the layers.
        scope: what names begin with.
        bare: leave the placeholder out, for the body of a function.
    """
    last, out = f"{scope}/Placeholder", b""
    if not bare:
        out = placeholder(last, (-1, len(layers[0][0])))
    for index, (weight, bias) in enumerate(layers):
        own = f"{scope}/dense_{index}" if index else f"{scope}/dense"
        out += const(f"{own}/kernel", weight) + const(f"{own}/bias", bias)
        out += node(f"{own}/MatMul", "MatMul", (last, f"{own}/kernel"), attr("transpose_a", 5, 0))
        out += node(f"{own}/BiasAdd", "BiasAdd", (f"{own}/MatMul", f"{own}/bias"))
        last = f"{own}/BiasAdd"
        if relu and index < len(layers) - 1:
            out += node(f"{own}/Relu", "Relu", (last,))
            last = f"{own}/Relu"
    return out + node(f"{scope}/{output}", output, (last,))


def emomusic(seed: int) -> tuple[bytes, Array, Array]:
    """The first generation of regression heads, with the matrix and the bias that it amounts to."""
    rng = np.random.default_rng(seed)
    (weight, bias), (gamma, beta) = random_layers((200, 2), seed)[0], rng.standard_normal((2, 200)).astype(np.float32)
    mean, variance = np.zeros(200, np.float32), np.ones(200, np.float32)
    own = "batch_normalization"
    out = placeholder("flatten_in_input", (-1, 200)) + const("flatten_in/Const", np.array([-1, 200]))
    out += node("flatten_in/Reshape", "Reshape", ("flatten_in_input", "flatten_in/Const"))
    out += norm(own, "flatten_in/Reshape", (gamma, beta, mean, variance), 1e-6)
    out += const("dense_out/kernel", weight) + const("dense_out/bias", bias)
    out += node("dense_out/MatMul", "MatMul", (f"{own}/batchnorm/add_1", "dense_out/kernel"))
    out += node("dense_out/BiasAdd", "BiasAdd", ("dense_out/MatMul", "dense_out/bias"))
    out += node("dense_out", "Identity", ("dense_out/BiasAdd",))
    scale = gamma.astype(np.float64) / np.sqrt(1 + 1e-6)
    return out, scale[:, None] * weight, beta @ weight.astype(np.float64) + bias


def norm(own: str, data: str, values: Sequence[Array], epsilon: float) -> bytes:
    """A batch norm in plain arithmetic: gamma, beta, moving mean and variance."""
    names = [f"{own}/{part}" for part in ("gamma", "beta", "moving_mean", "moving_variance")]
    out = b"".join(const(name, value) for name, value in zip(names, values, strict=True))
    return out + norm_of(own, data, names, epsilon)


def norm_of(own: str, data: str, names: Sequence[str], epsilon: float) -> bytes:
    """The arithmetic of a batch norm whose gamma, beta, mean and variance are constants of those names."""
    gamma, beta, mean, variance = names
    inner, out = f"{own}/batchnorm", b""
    out += const(f"{inner}/add/y", np.float32(epsilon))
    out += node(f"{inner}/add", "AddV2", (variance, f"{inner}/add/y"))
    out += node(f"{inner}/Rsqrt", "Rsqrt", (f"{inner}/add",)) + node(f"{inner}/mul", "Mul", (f"{inner}/Rsqrt", gamma))
    out += node(f"{inner}/mul_1", "Mul", (data, f"{inner}/mul"))
    out += node(f"{inner}/mul_2", "Mul", (mean, f"{inner}/mul")) + node(f"{inner}/sub", "Sub", (beta, f"{inner}/mul_2"))
    return out + node(f"{inner}/add_1", "AddV2", (f"{inner}/mul_1", f"{inner}/sub"))


def saved_model(layers: Sequence[tuple[Array, Array]], output: str) -> bytes:
    """A head frozen from a saved model: its nodes lie in a function that `PartitionedCall` calls."""
    body = head(layers, output, bare=True)
    nodes = [value for tag, value in fields(body) if tag == 1 and isinstance(value, bytes)]
    inside = b"".join(put(3, _in_function(one)) for one in nodes)
    types = put(3, FLOAT)
    signature = put(1, "head") + put(2, put(1, "input") + types) + put(3, put(1, "out") + types)
    returned = put(1, "out") + put(2, f"model/{output}:{_OUTPUTS.get(output, 'output')}:0")
    library = put(2, put(1, put(1, signature) + inside + put(4, returned)))
    listed = put(5, put(1, "Tin") + put(2, put(1, put(6, FLOAT)))) + put(
        5, put(1, "Tout") + put(2, put(1, put(6, FLOAT)))
    )
    call = put(1, "PartitionedCall") + put(2, "PartitionedCall") + put(3, "serving_default_model_Placeholder")
    call += listed + put(5, put(1, "f") + put(2, put(10, put(1, "head"))))
    return placeholder("serving_default_model_Placeholder", (-1, len(layers[0][0]))) + put(1, call) + library


_OUTPUTS = {"MatMul": "product", "Relu": "activations", "Softmax": "softmax", "Sigmoid": "y"}


def _in_function(message: bytes) -> bytes:
    """A node whose references have the form that they have inside functions."""
    ops = {}
    found = list(fields(message))
    for tag, value in found:
        if tag == 3:
            ops[text(value)] = next((o for n, o in _BY_SUFFIX.items() if text(value).endswith(n)), "output")
    out = b""
    for tag, value in found:
        if tag == 3:
            ref = text(value)
            out += put(3, "input" if ref.endswith("Placeholder") else f"{ref}:{ops[ref]}:0")
        else:
            out += put(tag, value)
    return out


_BY_SUFFIX = {"/MatMul": "product", "/Relu": "activations"}


# -- TF.js and metadata ------------------------------------------------------------------------------------------------


def write_tfjs(folder: Path, graph: bytes, *, shard_bytes: int = 4096) -> Path:
    """A frozen graph as a TF.js graph model, its layers fused as the converter leaves them; returns `model.json`."""
    found = _fuse(read_graphdef(graph)[0].nodes)
    weights, data = [], b""
    for one in found.values():
        if one.tensor is not None:
            kind = {"float": "float32", "int": "int32", "bool": "bool"}[one.tensor.kind]
            weights.append({"name": one.name, "shape": list(one.tensor.shape), "dtype": kind})
            data += one.tensor.decode().tobytes()
    shards = [data[at : at + shard_bytes] for at in range(0, len(data), shard_bytes)]
    names = [f"group1-shard{i + 1}of{len(shards)}.bin" for i in range(len(shards))]
    for name, shard in zip(names, shards, strict=True):
        (folder / name).write_bytes(shard)
    nodes = [
        {"name": one.name, "op": one.op, "input": list(one.inputs), "attr": {k: _json(v) for k, v in one.attrs.items()}}
        for one in found.values()
    ]
    model: dict[str, Any] = {"format": "graph-model", "modelTopology": {"node": nodes, "versions": {}}}
    model["weightsManifest"] = [{"paths": names, "weights": weights}]
    (folder / "model.json").write_text(json.dumps(model))
    return folder / "model.json"


def _fuse(nodes: Mapping[str, Node]) -> dict[str, Node]:
    """MatMul or Conv2D, BiasAdd and, where it follows, ReLU made one node, which has the name of the last."""
    out = dict(nodes)
    used = Counter(ref for one in nodes.values() for ref in one.inputs)
    for bias in [one for one in nodes.values() if one.op == "BiasAdd"]:
        base = nodes[bias.inputs[0]]
        relu = next((one for one in nodes.values() if one.op == "Relu" and one.inputs == (bias.name,)), None)
        last, words = (relu, ("BiasAdd", "Relu")) if relu and used[bias.name] == 1 else (bias, ("BiasAdd",))
        for gone in {base.name, bias.name, last.name}:
            del out[gone]
        inputs = (*base.inputs, bias.inputs[1])
        out[last.name] = Node(last.name, f"_Fused{base.op}", inputs, {**base.attrs, "fused_ops": words})
    return out


def _json(value: Attribute) -> dict[str, Any]:
    """A setting as TF.js writes it: words in base64, whole numbers as text."""
    if isinstance(value, tuple):
        words = [_json(one) for one in value]
        return {"list": {kind: [one[kind] for one in words] for kind in (words[0] if words else ())}}
    if isinstance(value, str):
        return {"s": base64.b64encode(value.encode()).decode()}
    return {"b": value} if isinstance(value, bool) else {"f": value} if isinstance(value, float) else {"i": str(value)}


def metadata(classes: Sequence[str] | None, backbone: str = "msd-musicnn-1", output: str = "model/Softmax") -> bytes:
    """A metadata file with the fields, and some of the defects, of the published ones."""
    facts: dict[str, Any] = {
        "name": "a task", "type": "Music genre classification", "link": "https://example.org/moved.pb", "version": "1",
        "description": "classification of music", "author": "Pablo", "release_date": "2022-06-01",
        "model_types": ["frozen_model"], "dataset": {"name": "In-house", "size": "100 tracks"},
        "schema": {
            "inputs": [{"name": "model/Placeholder", "type": "float", "shape": [1200]}],
            "outputs": [{"name": output, "type": "float", "shape": [2], "output_purpose": "predictions"}],
        },
        "citation": "@inproceedings{x}",
        "inference": {
            "sample_rate": 16000, "algorithm": "TensorflowPredict2D",
            "embedding_model": {"algorithm": "TensorflowPredictMusiCNN", "model_name": backbone, "link": ""},
        },
    }  # fmt: skip
    if classes is not None:
        facts["classes"] = list(classes)
    return json.dumps(facts).encode()
