"""Reader of frozen TensorFlow graphs (`GraphDef`), without TensorFlow.

Field numbers are those of TensorFlow's `graph.proto`, `node_def.proto`, `attr_value.proto` and `function.proto`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from sonotype.models.essentia.graph import MAX_INPUTS, MAX_NODES, Attribute, Graph, Node, Tensor
from sonotype.models.essentia.tensors import read_tensor, read_type
from sonotype.models.weights.base import corrupt
from sonotype.models.weights.wire import content, fields, number, signed, text, varints

MAX_BYTES = 16 * 2**20
_MAX_LIST = 64
_MAX_ATTRS = 64


@dataclass(frozen=True, slots=True)
class Function:
    """A part of a graph that nodes can call by its name.

    Attributes:
        inputs: names of its arguments.
        outputs: for each of its outputs the reference `node:output name:index` that is returned.
        nodes: its body; inputs are names of arguments or references of that form.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]


def read_graphdef(data: bytes) -> tuple[Graph, dict[str, Function]]:
    """Read a graph and the functions that it calls.

    Raises:
        SonotypeError: `weights_corrupt`: the file is damaged, or no graph.
    """
    if len(data) > MAX_BYTES:
        raise corrupt(f"The file is larger than {MAX_BYTES // 2**20} MiB, more than any graph that can be imported.")
    nodes: dict[str, Node] = {}
    functions: dict[str, Function] = {}
    for tag, value in fields(data):
        if tag == 1:
            node = _node(content(value))
            if node.name in nodes or len(nodes) == MAX_NODES:
                raise corrupt("The graph has two nodes of one name, or too many nodes.")
            nodes[node.name] = node
        elif tag == 2:
            functions |= dict(_functions(content(value)))
    if not nodes:
        raise corrupt("The file is no TensorFlow graph: it holds no nodes.")
    return Graph(nodes), functions


def _node(message: bytes) -> Node:
    name, op, inputs = "", "", list[str]()
    attrs: dict[str, Attribute] = {}
    tensor: Tensor | None = None
    for tag, value in fields(message):
        if tag == 1:
            name = text(value)
        elif tag == 2:
            op = text(value)
        elif tag == 3:
            inputs.append(text(value))
        elif tag == 5:
            key, attribute = _attribute(content(value))
            if isinstance(attribute, Tensor):
                tensor = attribute
            elif attribute is not None:
                attrs[key] = attribute
        if len(inputs) > MAX_INPUTS or len(attrs) > _MAX_ATTRS:
            raise corrupt("A node of the graph has too many inputs or settings.")
    if not name or not op:
        raise corrupt("A node of the graph has no name or no operation.")
    return Node(name, op, tuple(inputs), attrs, tensor)


def _attribute(entry: bytes) -> tuple[str, Attribute | Tensor | None]:
    """Name and value of one entry of a node's attributes; None for kinds that no layout needs."""
    found = dict(fields(entry))
    key = text(found.get(1, b""))
    for tag, value in fields(found.get(2, b"")):
        return key, _value(tag, value)
    return key, None


def _value(tag: int, value: int | bytes) -> Attribute | Tensor | None:  # noqa: PLR0911 - one line for each type
    match tag:
        case 1:
            return _list(content(value))
        case 2:
            return _maybe_text(content(value))
        case 3:
            return signed(value)
        case 4:
            return _float(number(value))
        case 5:
            return bool(number(value))
        case 6:
            return read_type(value)
        case 8:
            return read_tensor(content(value))
        case 10:
            return text(dict(fields(value)).get(1, b""))
        case _:
            return None


def _maybe_text(value: bytes) -> str:
    """Attributes of this type are bytes, of which those that matter here are plain words."""
    return value.decode("ascii", "replace")


def _float(bits: int) -> float:
    value: float = struct.unpack("<f", (bits & 0xFFFFFFFF).to_bytes(4, "little"))[0]
    return value


def _list(message: bytes) -> Attribute:
    words, numbers = list[str](), list[int]()
    for tag, value in fields(message):
        if tag == 2:
            words.append(_maybe_text(content(value)))
        elif tag == 3:
            numbers += varints(value, _MAX_LIST) if isinstance(value, bytes) else [signed(value)]
        if len(words) + len(numbers) > _MAX_LIST:
            raise corrupt("A list of the graph is too long.")
    return tuple(words) if words else tuple(numbers)


def _functions(message: bytes) -> Iterator[tuple[str, Function]]:
    total = 0
    for tag, value in fields(message):
        if tag == 1:
            name, function = _function(content(value))
            total += 1 + len(function.nodes)
            if total > MAX_NODES:
                raise corrupt("The functions of the graph have too many nodes.")
            yield name, function


def _function(message: bytes) -> tuple[str, Function]:
    name, inputs, outputs, nodes, returned = "", list[str](), list[str](), list[Node](), dict[str, str]()
    for tag, value in fields(message):
        if tag == 1:
            name, inputs, outputs = _signature(content(value))
        elif tag == 3:
            nodes.append(_node(content(value)))
        elif tag == 4:
            pair = dict(fields(value))
            returned[text(pair.get(1, b""))] = text(pair.get(2, b""))
        if len(nodes) > MAX_NODES:
            raise corrupt("A function of the graph has too many nodes.")
    if not set(outputs) <= returned.keys():
        raise corrupt("A function of the graph does not return what it says.")
    return name, Function(tuple(inputs), tuple(returned[output] for output in outputs), tuple(nodes))


def _signature(message: bytes) -> tuple[str, list[str], list[str]]:
    """Name, arguments and outputs of an `OpDef`."""
    found = list(fields(message))
    name = next((text(value) for tag, value in found if tag == 1), "")
    return name, list(_names(found, 2)), list(_names(found, 3))


def _names(found: list[tuple[int, int | bytes]], wanted: int) -> Iterator[str]:
    return (text(dict(fields(value)).get(1, b"")) for tag, value in found if tag == wanted)
