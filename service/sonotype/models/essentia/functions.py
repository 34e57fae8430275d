"""Put the functions that a graph calls in the place of the calls, as saved models of TensorFlow 2 are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sonotype.models.essentia.graph import MAX_NODES, Graph, Node, split
from sonotype.models.essentia.graphdef import Function
from sonotype.models.weights.base import corrupt

CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_MAX_DEPTH = 8
# outputs that are not an operation's first; inside functions they go by name
_SECOND_OUTPUTS = {"output_true"}


def inline(graph: Graph, functions: Mapping[str, Function]) -> Graph:
    """A graph that calls nothing.

    A call becomes an `Identity` for each of its outputs, `call#0`, `call#1` …, to which references are turned.

    Raises:
        SonotypeError: `weights_corrupt`: a function is missing, calls itself, or the graph grows beyond all measure.
    """
    nodes = dict(graph.nodes)
    for _ in range(_MAX_DEPTH):
        calls = [node for node in nodes.values() if node.op in CALLS]
        if not calls:
            return Graph(_referring(nodes))
        for call in calls:
            del nodes[call.name]
            nodes |= _body(call, functions)
            if len(nodes) > MAX_NODES:
                raise corrupt("The functions of the graph have too many nodes.")
    raise corrupt("The functions of the graph call each other too deeply.")


def _body(call: Node, functions: Mapping[str, Function]) -> dict[str, Node]:
    """The nodes that take the place of one call."""
    function = functions.get(str(call.attrs.get("f", "")))
    data = [ref for ref in call.inputs if not ref.startswith("^")]
    if function is None or len(function.inputs) != len(data):
        raise corrupt("The graph calls a function that is not there, or with the wrong number of inputs.")
    arguments = dict(zip(function.inputs, data, strict=True))
    nodes = {}
    for node in function.nodes:
        inputs = tuple(_outer(ref, call.name, arguments) for ref in node.inputs)
        inner = replace(node, name=f"{call.name}/{node.name}", inputs=inputs)
        nodes[inner.name] = inner
    for index, ref in enumerate(function.outputs):
        name = output_name(call.name, index)
        nodes[name] = Node(name, "Identity", (_outer(ref, call.name, arguments),))
    return nodes


def _outer(ref: str, call: str, arguments: Mapping[str, str]) -> str:
    """What a reference inside a function means outside: `node:output name:index`, an argument, or `^node`."""
    if ref in arguments:
        return arguments[ref]
    if ref.startswith("^"):
        return f"^{call}/{ref[1:]}"
    node, _, output = ref.partition(":")
    name, _, index = output.partition(":")
    place = (
        1 if name in _SECOND_OUTPUTS else int(index) if index.isascii() and index.isdigit() and len(index) < 4 else 0
    )
    return f"{call}/{node}:{place}" if place else f"{call}/{node}"


def _referring(nodes: Mapping[str, Node]) -> dict[str, Node]:
    """Let references to a call name the nodes of its outputs."""
    return {
        name: replace(node, inputs=tuple(resolve(ref, nodes) for ref in node.inputs)) for name, node in nodes.items()
    }


def output_name(call: str, index: int) -> str:
    """Name of the node for one output of a call."""
    return f"{call}#{index}"


def resolve(ref: str, nodes: Mapping[str, Node]) -> str:
    """A reference, turned to the node of an output where it names a call."""
    name, index = split(ref)
    inner = output_name(name, index)
    return inner if name not in nodes and inner in nodes else ref
