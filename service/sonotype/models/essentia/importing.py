"""From the published files of one Essentia model to the files of a model folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.card import NAME_PATTERN, Card, HeadCard
from sonotype.models.card_parts import LicenceSpec, SourceSpec, WeightsSpec
from sonotype.models.essentia import describing
from sonotype.models.essentia.backbones import check_backbone
from sonotype.models.essentia.functions import inline, resolve
from sonotype.models.essentia.fused import unfuse
from sonotype.models.essentia.graph import Graph, unsupported
from sonotype.models.essentia.graphdef import read_graphdef
from sonotype.models.essentia.heads import Head, read_head
from sonotype.models.essentia.metadata import Metadata, checked_classes, read_metadata
from sonotype.models.essentia.musicnn import State, is_musicnn, read_musicnn
from sonotype.models.essentia.onnxgraph import read_onnx
from sonotype.models.essentia.simplify import Flow, sinks
from sonotype.models.essentia.tfjs import read_limited, read_tfjs
from sonotype.models.weights.base import corrupt
from sonotype.models.weights.convert import to_safetensors

OUTPUTS = ("model/Softmax", "model/Sigmoid", "dense_out", "model/Identity", "PartitionedCall")
"""Nodes that published graphs end in."""

FindBackbone = Callable[[], tuple[Card, str]]
"""Gives the card and the name of the embedding that a head is to stand on."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A model ready to be written.

    Attributes:
        card: its card.
        file: name of the file of its weights.
        weights: their content.
        source_sha256: hash of what was imported.
    """

    card: Card | HeadCard
    file: str
    weights: bytes
    source_sha256: str


def import_model(
    name: str, path: Path, metadata: Path, find_backbone: FindBackbone, terms: LicenceSpec = describing.LICENCE
) -> Imported:
    """Read, check and convert; nothing of the files is run.

    Args:
        name: of the model to be, the name of its folder.
        path: a frozen graph (`.pb`), the `model.json` of a TF.js graph model, or a head in ONNX.
        metadata: the JSON file with the names of the classes.
        find_backbone: asked for heads only.
        terms: licence of the weights.

    Raises:
        SonotypeError: `weights_corrupt` for damaged files, `invalid_request` for what cannot be imported: another
            network, a head for another backbone, no names of classes.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise SonotypeError(Code.INVALID_REQUEST, f"{name[:80]!r} is no name for a model: a-z, 0-9 and hyphens.")
    facts = read_metadata(read_limited(metadata))
    graph, sha256 = read_graph(path)
    source = SourceSpec(kind="none", sha256=sha256, member=path.name[:120])
    output = find_output(graph, facts)
    found = _read(Flow(graph, output), output)
    weights, spec = _pack(found.state if isinstance(found, Head) else found)
    if isinstance(found, Head):
        backbone = find_backbone()
        check_backbone(found, facts, path.name, backbone)
        labels = checked_classes(facts, found.layers[-1].units)
        about = describing.About(name, facts, labels, spec, source, terms)
        return Imported(describing.head_card(about, found, backbone), "head.safetensors", weights, sha256)
    labels = checked_classes(facts, len(found["output.bias"]))
    about = describing.About(name, facts, labels, spec, source, terms)
    return Imported(describing.network_card(about), "model.safetensors", weights, sha256)


def _read(flow: Flow, output: str) -> Head | State:
    """What the graph is: a head, or the state of a MusiCNN."""
    with np.errstate(all="ignore"):  # numbers that overflow are found and refused later
        return read_musicnn(flow, output) if is_musicnn(flow, output) else read_head(flow, output)


def read_graph(path: Path) -> tuple[Graph, str]:
    """Read a graph file and its hash; calls and fused operations are taken apart.

    Raises:
        SonotypeError: `weights_corrupt`, `invalid_request` or `not_found`.
    """
    if path.suffix.lower() == ".json":
        graph, sha256 = read_tfjs(path)
        return unfuse(inline(graph, {})), sha256
    data = read_limited(path)
    if path.suffix.lower() == ".onnx":
        return unfuse(read_onnx(data)), hashlib.sha256(data).hexdigest()
    graph, functions = read_graphdef(data)
    return unfuse(inline(graph, functions)), hashlib.sha256(data).hexdigest()


def find_output(graph: Graph, metadata: Metadata) -> str:
    """The node that holds the predictions: the one that the metadata names, a known name, or the only end.

    Raises:
        SonotypeError: `invalid_request`: there is no telling.
    """
    for name in (metadata.predictions, *OUTPUTS):
        node = resolve(name, graph.nodes).removesuffix(":0") if name else ""
        if node in graph.nodes:
            return node
    ends = sinks(graph)
    if len(ends) != 1:
        raise unsupported(f"The graph has {len(ends)} ends, and the metadata names no output for predictions.")
    return ends[0]


def _pack(state: dict[str, Floats]) -> tuple[bytes, WeightsSpec]:
    """The file of the weights, its hash and how many numbers it holds."""
    if not all(np.isfinite(array).all() for array in state.values()):
        raise corrupt("The weights of the graph are too large for their type.")
    data = to_safetensors(state)
    n_parameters = sum(array.size for array in state.values())
    return data, WeightsSpec(sha256=hashlib.sha256(data).hexdigest(), n_parameters=n_parameters)
