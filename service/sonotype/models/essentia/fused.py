"""Take operations apart that an optimiser has put together (`_FusedMatMul`, `_FusedConv2D`)."""

from __future__ import annotations

from dataclasses import replace

from sonotype.models.essentia.graph import MAX_NODES, Graph, Node, unsupported
from sonotype.models.weights.base import corrupt

_WHOLE = {"_FusedMatMul": "MatMul", "_FusedConv2D": "Conv2D"}
# how many further inputs each part takes
_PARTS = {"BiasAdd": 1, "FusedBatchNorm": 4, "Relu": 0, "Sigmoid": 0, "Softmax": 0}
_FRESH = "#part"


def unfuse(graph: Graph) -> Graph:
    """The same graph in operations that do one thing each; the last part of a fused one keeps its name.

    Raises:
        SonotypeError: `invalid_request` for parts that no layout has, `weights_corrupt` for missing inputs.
    """
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        parts = _parts(node) if node.op in _WHOLE else [node]
        nodes |= {part.name: part for part in parts}
        if len(nodes) > MAX_NODES:
            raise corrupt("The graph has too many nodes.")
    return Graph(nodes)


def _parts(node: Node) -> list[Node]:
    ops = node.attrs.get("fused_ops", ())
    data = [ref for ref in node.inputs if not ref.startswith("^")]
    if not isinstance(ops, tuple) or any(op not in _PARTS for op in ops):
        raise unsupported(f"{node.name[:80]!r} does things at once that cannot be imported: {str(ops)[:80]}.")
    extra, rest = data[:2], data[2:]
    out = [Node(f"{node.name}{_FRESH}0", _WHOLE[node.op], tuple(extra), node.attrs)]
    for index, op in enumerate(map(str, ops), start=1):
        taken, rest = rest[: _PARTS[op]], rest[_PARTS[op] :]
        if len(taken) != _PARTS[op]:
            raise corrupt(f"{node.name[:80]!r} has too few inputs.")
        attrs = dict(node.attrs) | {"is_training": False}
        out.append(Node(f"{node.name}{_FRESH}{index}", op, (out[-1].name, *taken), attrs))
    out[-1] = replace(out[-1], name=node.name)
    return out
