"""What of a graph runs at inference: one order of its nodes, and references with everything idle skipped.

Graphs that were frozen from training still hold both sides of their dropout and batch norm: a `Switch` lets its data
out on one side only, a `Merge` takes what arrives. The condition is a constant, or the placeholder of a truth value
that says whether to train; here it is false.
"""

from __future__ import annotations

from sonotype.models.essentia.graph import Graph, Node, Tensor, integers, split, unsupported
from sonotype.models.weights.base import corrupt

# hand their first input on as it is
_IDLE = frozenset(
    {"Identity", "StopGradient", "PlaceholderWithDefault", "Snapshot", "CheckNumerics", "PreventGradient"}
)
# change the shape, never a number
SHAPING = frozenset({"Squeeze", "ExpandDims", "Transpose", "Reshape"})
_SWITCHES = frozenset({"Switch", "RefSwitch"})
_MERGES = frozenset({"Merge", "RefMerge"})


class Flow:
    """A graph as seen from one output.

    Args:
        graph: without calls of functions.
        output: name of the node whose value is wanted.

    Raises:
        SonotypeError: `weights_corrupt`: the node, or one that it needs, is missing, or the graph runs in circles.
    """

    def __init__(self, graph: Graph, output: str) -> None:
        self.graph = graph
        # filled in an order in which all that a node needs is there before it, so that nothing recurses
        self._alive: dict[str, bool] = {}
        self._sides: dict[str, int] = {}
        self._meant: dict[str, str] = {}
        for node in ordered(graph, output):
            arriving = [ref for ref in node.inputs if self._arrives(ref)]
            self._alive[node.name] = bool(arriving) if node.op in _MERGES else len(arriving) == len(node.inputs)
            self._meant[node.name] = self._meaning(node, arriving)
            if node.op in _SWITCHES:
                self._sides[node.name] = self._side(node)

    def skip(self, ref: str, *, shaping: bool = False) -> Node:
        """The node whose number `ref` really is: idle nodes, and those that only reshape if wanted, left out.

        Raises:
            SonotypeError: `weights_corrupt`: nothing arrives there.
        """
        while True:
            name = self._meant.get(split(ref)[0], "")
            if not name:
                raise corrupt("The graph takes a value where none arrives.")
            node = self.graph.node(name)
            if not (shaping and node.op in SHAPING):
                return node
            ref = _first(node)

    def constant(self, ref: str) -> Tensor | None:
        """The constant that `ref` is, if it is one."""
        return self.skip(ref).tensor

    def _meaning(self, node: Node, arriving: list[str]) -> str:
        if node.op in _IDLE or node.op in _SWITCHES:
            return self._meant[split(_first(node))[0]]
        if node.op in _MERGES:
            return self._meant[split(arriving[0])[0]] if arriving else ""
        return node.name

    def _arrives(self, ref: str) -> bool:
        name, index = split(ref)
        return self._alive[name] and (index < 0 or self._sides.get(name, index) == index)

    def _side(self, switch: Node) -> int:
        """Which output of a switch has the data: 0 for false, 1 for true."""
        if len(switch.inputs) < 2:
            raise corrupt("The graph holds a choice without a condition.")
        condition = self.skip(switch.inputs[1])
        if condition.tensor is not None:
            return 1 if any(integers(condition.tensor)) else 0
        if condition.op == "Placeholder":
            return 0
        raise unsupported(f"The graph decides by {condition.op[:40]!r} what it computes, which cannot be imported.")


def ordered(graph: Graph, output: str) -> list[Node]:
    """The nodes that `output` needs, each after its inputs.

    Raises:
        SonotypeError: `weights_corrupt`: a node is missing, or the graph runs in circles.
    """
    done: dict[str, Node] = {}
    open_: set[str] = set()
    todo = [output]
    while todo:
        name = todo[-1]
        if name in done:
            todo.pop()
            continue
        node = graph.node(name)
        waiting = [one for one in dict.fromkeys(split(ref)[0] for ref in node.inputs) if one not in done]
        if not waiting:
            done[name] = node
            open_.discard(name)
            todo.pop()
        elif name in open_:
            raise corrupt("The graph runs in circles.")
        else:
            open_.add(name)
            todo += waiting
    return list(done.values())


def sinks(graph: Graph) -> list[str]:
    """Nodes that nothing else needs, in their order."""
    used = {split(ref)[0] for node in graph.nodes.values() for ref in node.inputs}
    return [name for name, node in graph.nodes.items() if name not in used and node.op not in {"Const", "NoOp"}]


def _first(node: Node) -> str:
    if not node.inputs or node.inputs[0].startswith("^"):
        raise corrupt(f"The node {node.name[:80]!r} has no input.")
    return node.inputs[0]
