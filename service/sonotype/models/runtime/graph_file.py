"""Graphs that an engine reads as they are (TFLite, ONNX): from the file to an OpenVINO model that fits its card.

A card of such a model says in `[network.options]` which tensors of the graph are its outputs; see `GraphOptions`.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card
from sonotype.models.card_parts import WaveformSpec
from sonotype.models.runtime.base import output_shapes
from sonotype.models.runtime.quiet_openvino import openvino
from sonotype.models.weights import store


class GraphOptions(BaseModel):
    """How the tensors of a graph relate to a card.

    Attributes:
        outputs: `tags` or the name of an embedding, to the name of a tensor of the graph.
        read_by: the same for tensors that have no name: the type of an operation of OpenVINO, the last one of which
            reads the tensor as its first input.
        activation: what makes scores out of `tags`, where the graph does not do that itself.
        layout: axes of the graph's input: `B` batch, `T` time (frames, or samples of a waveform), `F` mel bands, `1`
            an axis of length one; absent means `BTF`, and `BT` for a waveform.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    outputs: dict[str, str] = Field(default_factory=dict)
    read_by: dict[str, str] = Field(default_factory=dict)
    activation: Literal["none", "sigmoid", "softmax"] = "none"
    layout: str | None = Field(None, pattern="^[BTF1]+$")

    @model_validator(mode="after")
    def _axes_once(self) -> Self:
        if self.layout and ("T" not in self.layout or any(self.layout.count(axis) > 1 for axis in "BTF")):
            raise ValueError("layout needs T, and B, T and F at most once")
        return self


class GraphFile:
    """A graph with its input at a fixed shape and its outputs in the order of the card.

    Args:
        card: whose weights are a graph.
        weights: the file; its hash is checked.

    Attributes:
        model: for OpenVINO to compile.
        outputs: name of each output of `model`, in order.
        options: those of the card.
        layout: axes of the input.
        batch: rows that one call takes.

    Raises:
        SonotypeError: `weights_missing`; `weights_corrupt` for a file that is not the card's, or cannot be read, or
            a graph that does not fit the card.
    """

    def __init__(self, card: Card, weights: Path) -> None:
        self._card = card
        try:
            self.options = GraphOptions.model_validate(card.network.options)
        except ValidationError as error:
            raise self._misfit(error.errors()[0]["msg"]) from None
        shapes = {name: shape for name, shape in output_shapes(card).items() if math.prod(shape)}
        self.outputs = tuple(shapes)
        waveform = isinstance(card.frontends[card.default_frontend], WaveformSpec)
        self.layout = self.options.layout or ("BT" if waveform else "BTF")
        if ("F" in self.layout) == waveform:
            raise self._misfit("the axis F is for mel bands")
        graph = _read(card, store.read_bytes(card, weights))
        self.model = openvino.Model([self._tensor(graph, name) for name in shapes], graph.get_parameters(), card.name)
        self.batch = self._fix_shape()
        self._check({name: math.prod(shape) for name, shape in shapes.items()})

    def _tensor(self, graph: Any, name: str) -> Any:
        """The tensor of the graph that is the output `name`."""
        nodes = graph.get_ordered_ops()
        if name in self.options.outputs:
            wanted = self.options.outputs[name]
            found = [port for node in nodes for port in node.outputs() if wanted in port.get_names()]
        else:
            readers = [node for node in nodes if node.get_type_name() == self.options.read_by.get(name)]
            found = [node.input_value(0) for node in readers[-1:]]
        if not found:
            raise self._misfit(f"it has no tensor for {name!r}")
        return found[0]

    def _fix_shape(self) -> int:
        """Give the input its shape; returns its rows: one, unless the file was made for another number."""
        if len(self.model.inputs) != 1:
            raise self._misfit("it needs exactly one input")
        spec = self._card.frontends[self._card.default_frontend]
        sizes = {"T": self._card.patch.frames, "F": getattr(spec, "n_mels", 1), "1": 1}
        given = self.model.input(0).partial_shape
        if given.rank.is_static and len(given) != len(self.layout):
            raise self._misfit(f"its input has {len(given)} axes, the card says {self.layout}")
        place = self.layout.find("B")
        own_batch = place >= 0 and given.rank.is_static and given[place].is_static
        batch = given[place].get_length() if own_batch else 1
        wanted = openvino.PartialShape([sizes.get(axis, batch) for axis in self.layout])
        if not given.compatible(wanted):
            raise self._misfit(f"its input is {given}, the card's {wanted}")
        if given != wanted:
            try:
                self.model.reshape(wanted)
            except RuntimeError:
                raise self._misfit(f"it does not work with an input of {wanted}") from None
        return int(batch)

    def _check(self, lengths: dict[str, int]) -> None:
        for (name, length), port in zip(lengths.items(), self.model.outputs, strict=True):
            shape = port.partial_shape
            if shape.is_dynamic or math.prod(shape.to_shape()) != self.batch * length:
                raise self._misfit(f"{name!r} is {shape}, the card says {length} numbers")

    def _misfit(self, reason: str) -> SonotypeError:
        return SonotypeError(
            Code.WEIGHTS_CORRUPT, f"The graph of {self._card.address} does not fit its card: {reason}."
        )


def _read(card: Card, data: bytes) -> Any:
    """Let OpenVINO read what was hashed, in a folder without other files: nothing that a graph refers to is there."""
    suffix = card.weights.format if card.weights is not None else ""
    with tempfile.TemporaryDirectory(prefix="sonotype-graph-") as folder:
        path = Path(folder) / f"model.{suffix}"
        path.write_bytes(data)
        try:
            return openvino.Core().read_model(path)
        except RuntimeError as error:
            detail = f"The graph of {card.address} cannot be read."
            raise SonotypeError(Code.WEIGHTS_CORRUPT, detail) from error
