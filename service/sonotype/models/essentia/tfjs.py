"""Reader of TF.js graph models: a `model.json` with the nodes, and the shards with the constants beside it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.essentia.graph import MAX_DIMS, MAX_INPUTS, MAX_NODES, Attribute, Graph, Node, Tensor, unsupported
from sonotype.models.essentia.graphdef import MAX_BYTES
from sonotype.models.weights.base import corrupt

_DTYPES = {"float32": ("float", "<f4"), "int32": ("int", "<i4"), "bool": ("bool", "?")}
_SHARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_KINDS = {"DT_FLOAT": "float", "DT_INT32": "int", "DT_INT64": "int", "DT_BOOL": "bool"}


class _Tolerant(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Weight(_Tolerant):
    name: str
    shape: tuple[NonNegativeInt, ...] = Field(max_length=MAX_DIMS)
    dtype: str
    quantization: dict[str, Any] | None = None


class _Group(_Tolerant):
    paths: tuple[str, ...] = Field(max_length=1024)
    weights: tuple[_Weight, ...] = Field(max_length=MAX_NODES)


class _Node(_Tolerant):
    name: str = Field(min_length=1)
    op: str = Field(min_length=1)
    input: tuple[str, ...] = Field((), max_length=MAX_INPUTS)
    attr: dict[str, dict[str, Any]] = Field(default_factory=dict)


class _Topology(_Tolerant):
    node: tuple[_Node, ...] = Field((), max_length=MAX_NODES)


class _Model(_Tolerant):
    topology: _Topology = Field(alias="modelTopology")
    manifest: tuple[_Group, ...] = Field(alias="weightsManifest")


def read_tfjs(path: Path) -> tuple[Graph, str]:
    """Read a graph model.

    Args:
        path: of its `model.json`; the shards lie in the same folder.

    Returns:
        The graph, and the hash of `model.json` and all shards one after the other.

    Raises:
        SonotypeError: `weights_corrupt` for damaged files, `invalid_request` for layers models and for quantised
            weights, `not_found` for missing shards.
    """
    text = read_limited(path)
    model = _parsed(text)
    if not model.topology.node:
        raise unsupported("The file is no TF.js graph model; a layers model cannot be imported.")
    digest = hashlib.sha256(text)
    tensors = {name: tensor for group in model.manifest for name, tensor in _tensors(group, path.parent, digest)}
    nodes = {node.name: _node(node, tensors) for node in model.topology.node}
    if len(nodes) != len(model.topology.node):
        raise corrupt("The graph has two nodes of one name.")
    return Graph(nodes), digest.hexdigest()


def read_limited(path: Path) -> bytes:
    """Read a file that may have `MAX_BYTES` at most.

    Raises:
        SonotypeError: `not_found`, or `weights_corrupt` where it is larger.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SonotypeError(Code.NOT_FOUND, f"{path.name!r} cannot be read.") from error
    if len(data) > MAX_BYTES:
        raise corrupt(
            f"{path.name!r} is larger than {MAX_BYTES // 2**20} MiB, more than any model that can be imported."
        )
    return data


def _parsed(text: bytes) -> _Model:
    try:
        return _Model.model_validate(json.loads(text))
    except ValidationError:
        raise corrupt("The file is no model.json of TF.js.") from None
    except (ValueError, RecursionError):
        raise corrupt("The file is not JSON.") from None


def _tensors(group: _Group, folder: Path, digest: Any) -> Iterator[tuple[str, Tensor]]:
    """The constants of a group; they lie one after the other in its shards, as if those were one file."""
    data = b""
    for name in group.paths:
        if not _SHARD.fullmatch(name):
            raise corrupt("The manifest names a shard that is not a plain file name.")
        shard = read_limited(folder / name)
        digest.update(shard)
        data += shard
        if len(data) > MAX_BYTES:
            raise corrupt("The shards are larger than any model that can be imported.")
    at = 0
    for weight in group.weights:
        if weight.quantization is not None:
            raise unsupported(f"The weights are quantised ({weight.name[:80]!r}); take the model in float32.")
        kind, element = _DTYPES.get(weight.dtype, ("other", ""))
        if not element:
            raise unsupported(f"{weight.name[:80]!r} has the type {weight.dtype[:20]!r}, which cannot be imported.")
        tensor = Tensor(weight.shape, kind, lambda: np.empty(0))
        end = at + tensor.size * np.dtype(element).itemsize
        if end > len(data):
            raise corrupt("The shards are shorter than the manifest says.")
        yield weight.name, Tensor(weight.shape, kind, partial(np.frombuffer, data[at:end], element))
        at = end
    if at != len(data):
        raise corrupt("The shards are longer than the manifest says.")


def _node(node: _Node, tensors: Mapping[str, Tensor]) -> Node:
    tensor = tensors.get(node.name) if node.op == "Const" else None
    if node.op == "Const" and tensor is None:
        raise corrupt(f"The constant {node.name[:80]!r} is in none of the shards.")
    attrs = {name: value for name, raw in node.attr.items() if (value := _attribute(raw)) is not None}
    return Node(node.name, node.op, node.input, attrs, tensor)


def _attribute(raw: Mapping[str, Any]) -> Attribute | None:
    """The value of a setting; None for kinds that no layout needs."""
    try:
        if "list" in raw:
            words, numbers = raw["list"].get("s", ()), raw["list"].get("i", ())
            return tuple(_word(str(one)) for one in words) or tuple(int(one) for one in numbers)
        found = [read(raw[kind]) for kind, read in _PLAIN.items() if kind in raw]
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise corrupt("A setting of the graph cannot be read.") from None
    return found[0] if found else None


def _word(encoded: str) -> str:
    """Words are base64, except in files of some converters, where they are plain."""
    try:
        return base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, ValueError, UnicodeDecodeError):
        return encoded


_PLAIN: Mapping[str, Callable[[Any], Attribute]] = {
    "b": bool,
    "f": float,
    "i": int,
    "s": lambda value: _word(str(value)),
    "type": lambda value: _KINDS.get(str(value), "other"),
}
