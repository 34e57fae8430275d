"""Read AST's parameters from an ONNX graph, with the `onnx` package of the extra of that name.

Exporters keep the names of what enters an operator as it is (biases, norms, tokens, positions, convolutions) and lose
those of dense kernels, which become anonymous and transposed: `MatMul(x, onnx::MatMul_123)`, then `Add` of the bias. A
kernel is therefore found by the bias that is added to its product. A graph for batches of one size has its two tokens
repeated as often and nameless; they are found by the positions that are added to them. Nothing in the graph is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.weights.base import corrupt
from sonotype.models.zoo.ast_names import BASE, CLASSIFIER, POSITIONS, TOKENS, canonical
from sonotype.models.zoo.maest_state import State

try:
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import NodeProto

    from sonotype.models.zoo.onnx_tensors import as_floats
except ImportError as missing:
    raise SonotypeError(Code.INVALID_REQUEST, "Reading ONNX takes an extra: pip install 'sonotype[onnx]'.") from missing

# an exporter may have wrapped the network in modules of its own
_WRAPPED = re.compile(rf"^.*?(?=(?:{BASE}\.|{re.escape(CLASSIFIER)}))")
_PASSED_ON = ("Identity", "Cast")
_MAX_STEPS = 8


def read_onnx(path: Path) -> State:
    """The parameters of AST in a graph, by its names.

    Raises:
        SonotypeError: `weights_corrupt` for a file that is damaged or no ONNX model, and for external data that is
            missing, too short or outside the file's folder.
    """
    try:
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        raise corrupt(f"{path.name!r} is damaged, or no ONNX file.") from error
    graph = _Graph(model.graph, path)
    state = dict(graph.tokens()) | dict(graph.named()) | dict(graph.kernels())
    if not state:
        raise corrupt(f"{path.name!r} has no tensor with a name of AST; a graph that was optimised has lost them.")
    return state


class _Graph:
    """Constants of a graph, by name, and who makes what."""

    def __init__(self, graph: onnx.GraphProto, path: Path) -> None:
        self._nodes = list(graph.node)
        self._makers = {output: node for node in self._nodes for output in node.output}
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._constants |= {
            node.output[0]: attribute.t
            for node in self._nodes
            if node.op_type == "Constant" and node.output
            for attribute in node.attribute
            if attribute.name == "value"
        }
        self._path = path

    def named(self) -> Iterator[tuple[str, Floats]]:
        """Constants that kept a name of AST's and their form: of dense layers only the biases."""
        for name, tensor in self._constants.items():
            short = _short(name)
            if short is not None:
                array = as_floats(tensor, self._path)
                if array is not None:
                    yield short, array

    def kernels(self) -> Iterator[tuple[str, Floats]]:
        """Kernels of dense layers as [out, in], each under the name of the bias that is added to its product."""
        for node in self._nodes:
            found = self._of_gemm(node) if node.op_type == "Gemm" else self._of_add(node)
            if found is not None:
                yield found

    def tokens(self) -> Iterator[tuple[str, Floats]]:
        """CLS and DIST where they lost their names: what is joined with the patches before positions are added."""
        for node in self._nodes:
            if node.op_type != "Add" or not any(_short(self._origin(name)) == POSITIONS for name in node.input):
                continue
            for maker in filter(None, map(self._makers.get, node.input)):
                if maker.op_type == "Concat" and len(maker.input) == 1 + len(TOKENS):
                    yield from self._tokens_of(maker)

    def _tokens_of(self, joined: NodeProto) -> Iterator[tuple[str, Floats]]:
        for token, name in zip(TOKENS, joined.input, strict=False):
            array = self._array(name)
            if array is not None and array.ndim == 3 and len(array) and (array == array[:1]).all():
                yield token, np.ascontiguousarray(array[:1])

    def _of_gemm(self, node: NodeProto) -> tuple[str, Floats] | None:
        if len(node.input) != 3:
            return None
        name, kernel = self._bias(node.input[2]), self._array(node.input[1])
        if name is None or kernel is None or kernel.ndim != 2:
            return None
        options = {attribute.name: attribute for attribute in node.attribute}
        if any(options[key].f != 1 for key in ("alpha", "beta") if key in options):
            raise corrupt(f"{self._path.name!r} scales {name!r}, which AST does not.")
        stored = "transB" in options and options["transB"].i == 1
        return name, np.ascontiguousarray(kernel if stored else kernel.T)

    def _of_add(self, node: NodeProto) -> tuple[str, Floats] | None:
        if node.op_type != "Add" or len(node.input) != 2:
            return None
        for bias, product in (node.input, reversed(node.input)):
            name, maker = self._bias(bias), self._makers.get(product)
            if name is None or maker is None or maker.op_type != "MatMul" or len(maker.input) != 2:
                continue
            kernel = self._array(maker.input[1])
            if kernel is not None and kernel.ndim == 2:
                return name, np.ascontiguousarray(kernel.T)
        return None

    def _bias(self, name: str) -> str | None:
        """The name of the kernel that belongs to a bias, if it is one."""
        short = _short(self._origin(name))
        return short.removesuffix("bias") + "weight" if short is not None and short.endswith(".bias") else None

    def _origin(self, name: str) -> str:
        """Where a value comes from that is only handed on."""
        for _ in range(_MAX_STEPS):
            maker = self._makers.get(name)
            if maker is None or maker.op_type not in _PASSED_ON or not maker.input:
                return name
            name = maker.input[0]
        return name

    def _array(self, name: str) -> Floats | None:
        """A constant, or the transpose of one; None for what is computed."""
        name = self._origin(name)
        if name in self._constants:
            return as_floats(self._constants[name], self._path)
        maker = self._makers.get(name)
        if maker is None or maker.op_type != "Transpose" or self._origin(maker.input[0]) not in self._constants:
            return None
        array = as_floats(self._constants[self._origin(maker.input[0])], self._path)
        swaps = [list(attribute.ints) for attribute in maker.attribute if attribute.name == "perm"]
        if array is None or array.ndim != 2 or (swaps and swaps[0] != [1, 0]):
            return None
        return array.T


def _short(name: str) -> str | None:
    """The file's name of a parameter of AST that an exporter put into modules of its own."""
    short = _WRAPPED.sub("", name, count=1)
    return canonical(short) if short.startswith((f"{BASE}.", CLASSIFIER)) else None
