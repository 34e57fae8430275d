"""The frozen graph of MusiCNN, as it was published: names of nodes, order of layers, what training leaves behind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from bundles import varint
from essentia_kit import INT32, Array, attr, const, node, norm_of, placeholder, put, random_layers

from sonotype.models.weights.wire import fields, text

_KERNELS = [(7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51), (32, 1, 1, 51)]
_KERNELS += [(7, 561, 1, 64), (7, 64, 1, 64), (7, 64, 1, 64)]
_WIDTHS = (1, 204, 204, 51, 51, 51, 64, 64, 64, 1506, 200)


def random_variables(seed: int, n_labels: int = 9) -> dict[str, Array]:
    """Variables of a MusiCNN whose outputs are neither dead nor saturated, batch norms of both signs."""
    rng = np.random.default_rng(seed)
    found: dict[str, Array] = {}
    for number, kernel in enumerate(_KERNELS):
        name = f"conv2d_{number}" if number else "conv2d"
        found[f"{name}/kernel"] = rng.standard_normal(kernel) / math.sqrt(math.prod(kernel[:3]))
        found[f"{name}/bias"] = rng.standard_normal(kernel[3]) * 0.1
    for number, width in enumerate(_WIDTHS):
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        found[f"{name}/gamma"] = rng.standard_normal(width)
        found[f"{name}/beta"] = rng.standard_normal(width) * 0.3
        found[f"{name}/moving_mean"] = rng.standard_normal(width) * 0.3
        found[f"{name}/moving_variance"] = rng.uniform(0.5, 2.0, width)
    for name, shape in (("dense", (1506, 200)), ("dense_1", (200, n_labels))):
        found[f"{name}/kernel"] = rng.standard_normal(shape) / math.sqrt(shape[0])
        found[f"{name}/bias"] = rng.standard_normal(shape[1]) * 0.1
    return {name: value.astype(np.float32) for name, value in found.items()}


def fine_tuned(variables: Mapping[str, Array], seed: int) -> dict[str, Array]:
    """What the first classifiers are: a tagger trained on, its stored statistics kept, with new last layers.

    Those are 200 → 100 → 9 with nothing between them.
    """
    rng = np.random.default_rng(seed)
    moved = {}
    for name, value in sorted(variables.items()):
        still = "moving" in name
        moved[name] = value if still else (value * (1 + 0.05 * rng.standard_normal(value.shape))).astype(np.float32)
    for name, (weight, bias) in zip(("dense_1", "dense_2"), random_layers((200, 100, 9), seed), strict=True):
        moved |= {f"{name}/kernel": weight, f"{name}/bias": bias}
    return moved


def musicnn(variables: Mapping[str, Array], output: str = "Sigmoid") -> bytes:
    """The graph of a MusiCNN as it runs, with the published names of nodes; one dense layer at the end or more."""
    out = b"".join(const(name, value) for name, value in variables.items())
    out += placeholder("model/Placeholder", (-1, 187, 96))
    out += const("model/ExpandDims/dim", np.int32(3)) + node(
        "model/ExpandDims", "ExpandDims", ("model/Placeholder", "model/ExpandDims/dim"), attr("Tdim", 6, INT32)
    )
    out += _fused(0, "model/ExpandDims")
    out += _padded("model/Pad", "model/batch_normalization/FusedBatchNorm")
    squeezed = []
    for number, kernel in enumerate(_KERNELS[:5]):
        source = "model/Pad" if number < 2 else "model/batch_normalization/FusedBatchNorm"
        out += _block(number, source, "VALID" if number < 2 else "SAME")
        pool = f"model/max_pooling2d_{number}/MaxPool" if number else "model/max_pooling2d/MaxPool"
        size = (1, 1, 96 - kernel[1] + 1, 1)
        out += node(pool, "MaxPool", (_norm_name(number + 1),), _ints("ksize", size), _ints("strides", size), _valid())
        squeezed.append(f"model/Squeeze_{number}" if number else "model/Squeeze")
        out += node(squeezed[-1], "Squeeze", (pool,), _ints("squeeze_dims", (2,)))
    out += _concat("model/concat", squeezed, 2)
    out += const("model/ExpandDims_1/dim", np.int32(3)) + node(
        "model/ExpandDims_1", "ExpandDims", ("model/concat", "model/ExpandDims_1/dim"), attr("Tdim", 6, INT32)
    )
    return out + _middle() + _tail(variables, output)


def _middle() -> bytes:
    out, source, added = b"", "model/ExpandDims_1", ""
    for index in range(3):
        own = f"_{index}" if index else ""
        out += _padded(f"model/Pad_{index + 1}", source) + _block(index + 5, f"model/Pad_{index + 1}", "VALID")
        out += const(f"model/transpose{own}/perm", np.array([0, 1, 3, 2]))
        turned = (_norm_name(index + 6), f"model/transpose{own}/perm")
        out += node(f"model/transpose{own}", "Transpose", turned, attr("Tperm", 6, INT32))
        source = f"model/transpose{own}"
        if index:
            source = f"model/Add_{index - 1}" if index > 1 else "model/Add"
            out += node(source, "Add", (f"model/transpose{own}", added))
        added = source
    return out + _concat("model/concat_1", ("model/ExpandDims_1", "model/transpose", "model/Add", "model/Add_1"), 2)


def _tail(variables: Mapping[str, Array], output: str) -> bytes:
    out = const("model/Max/axes", np.array([1])) + const("model/moments/axes", np.array([1]))
    keep = (attr("keep_dims", 5, 0), attr("Tidx", 6, INT32))
    out += node("model/Max", "Max", ("model/concat_1", "model/Max/axes"), *keep)
    out += node("model/moments/mean", "Mean", ("model/concat_1", "model/moments/axes"), *keep)
    out += _concat("model/concat_2", ("model/Max", "model/moments/mean"), 2)
    out += const("model/Flatten/flatten/Reshape/shape", np.array([-1, 1506]))
    reshape = ("model/concat_2", "model/Flatten/flatten/Reshape/shape")
    out += node("model/Flatten/flatten/Reshape", "Reshape", reshape, attr("Tshape", 6, INT32))
    out += _plain(9, "model/Flatten/flatten/Reshape") + _dense("dense", "model/batch_normalization_9/batchnorm/add_1")
    out += node("model/dense/Relu", "Relu", ("model/dense/BiasAdd",)) + _plain(10, "model/dense/Relu")
    last, number = "model/batch_normalization_10/batchnorm/add_1", 1
    while f"dense_{number}/kernel" in variables:
        out += _dense(f"dense_{number}", last)
        last, number = f"model/dense_{number}/BiasAdd", number + 1
    return out + node(f"model/{output}", output, (last,))


def _norm_name(number: int) -> str:
    return (
        f"model/batch_normalization_{number}/FusedBatchNorm" if number else "model/batch_normalization/FusedBatchNorm"
    )


def _variables_of_norm(number: int) -> list[str]:
    own = f"batch_normalization_{number}" if number else "batch_normalization"
    return [f"{own}/{part}" for part in ("gamma", "beta", "moving_mean", "moving_variance")]


def _fused(number: int, source: str) -> bytes:
    settings = (attr("epsilon", 4, 0.001), attr("is_training", 5, 0), attr("data_format", 2, "NHWC"))
    return node(_norm_name(number), "FusedBatchNorm", (source, *_variables_of_norm(number)), *settings)


def _plain(number: int, source: str) -> bytes:
    return norm_of(f"model/batch_normalization_{number}", source, _variables_of_norm(number), 0.001)


def _block(number: int, source: str, padding: str) -> bytes:
    own = f"conv2d_{number}" if number else "conv2d"
    ones = (1, 1, 1, 1)
    settings = (_ints("strides", ones), _ints("dilations", ones), attr("padding", 2, padding))
    out = node(f"model/{own}/Conv2D", "Conv2D", (source, f"{own}/kernel"), *settings, attr("data_format", 2, "NHWC"))
    out += node(f"model/{own}/BiasAdd", "BiasAdd", (f"model/{own}/Conv2D", f"{own}/bias"))
    return out + node(f"model/{own}/Relu", "Relu", (f"model/{own}/BiasAdd",)) + _fused(number + 1, f"model/{own}/Relu")


def _dense(own: str, source: str) -> bytes:
    out = node(f"model/{own}/MatMul", "MatMul", (source, f"{own}/kernel"))
    return out + node(f"model/{own}/BiasAdd", "BiasAdd", (f"model/{own}/MatMul", f"{own}/bias"))


def _padded(name: str, source: str) -> bytes:
    out = const(f"{name}/paddings", np.array([[0, 0], [3, 3], [0, 0], [0, 0]]))
    return out + node(name, "Pad", (source, f"{name}/paddings"), attr("Tpaddings", 6, INT32))


def _concat(name: str, sources: Sequence[str], axis: int) -> bytes:
    settings = (attr("N", 3, len(sources)), attr("Tidx", 6, INT32))
    return const(f"{name}/axis", np.int32(axis)) + node(name, "ConcatV2", (*sources, f"{name}/axis"), *settings)


def _ints(name: str, values: Sequence[int]) -> bytes:
    packed = b"".join(varint(value) for value in values)
    return put(5, put(1, name) + put(2, put(1, put(3, packed))))


def _valid() -> bytes:
    return attr("padding", 2, "VALID")


def frozen_from_training(meta: bytes, variables: Mapping[str, Array], *, flag: bool = True) -> bytes:
    """The training graph beside a checkpoint, its variables made constants, and its training flag too where wanted.

    Dropout and both sides of each batch norm are still there.
    """
    definition = next(value for tag, value in fields(meta) if tag == 2)
    raw = {}
    for tag, value in fields(definition):
        if tag == 1:
            found = list(fields(value))
            raw[next(text(one) for own, one in found if own == 1)] = found
    out, seen, todo = b"", set[str](), ["model/Sigmoid"]
    while todo:
        name = todo.pop().lstrip("^").split(":")[0]
        if name in seen:
            continue
        seen.add(name)
        found = raw[name]
        todo += [text(one) for own, one in found if own == 3]
        if name in variables:
            out += const(name, variables[name])
        elif name == "model/Placeholder_2" and flag:
            out += const(name, np.bool_(False))
        else:
            out += put(1, b"".join(put(own, one) for own, one in found))
    return out
