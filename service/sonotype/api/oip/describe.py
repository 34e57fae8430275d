"""What the protocol says of the server and of its models."""

from __future__ import annotations

from dataclasses import dataclass

from sonotype import __version__
from sonotype.api.view import ModelView, view_model
from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card
from sonotype.plane.port import ModelInfo, Plane

SERVER = "sonotype"
EXTENSIONS = ("binary_tensor_data", "classification", "parameters")
ANY = -1


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor that a model takes or gives; `ANY` (-1) stands for a size that depends on the request."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """The metadata of a model."""

    name: str
    versions: tuple[str, ...]
    platform: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A line of the index of the repository; `state` is READY or UNAVAILABLE."""

    name: str
    version: str
    state: str
    reason: str


INPUTS = (TensorInfo("audio", "BYTES", (ANY,)), TensorInfo("samples", "FP32", (ANY, ANY)))


def server_version() -> str:
    """The version of this server."""
    return __version__


def describe(plane: Plane, address: str) -> Description:
    """The metadata of a model by `name` or `name@version`. Raises `model_not_found`."""
    shown = view_model(plane, plane.model(address))
    card = shown.info.card
    kind = card.network.family if isinstance(card, Card) else card.kind
    return Description(card.name, (card.version,), f"{SERVER}_{kind}", INPUTS, outputs_of(shown))


def outputs_of(shown: ModelView) -> tuple[TensorInfo, ...]:
    """Scores and labels, where the model has labels, then its embeddings, the default one first."""
    n = len(shown.info.card.labels)
    tags = (TensorInfo("scores", "FP32", (ANY, n)), TensorInfo("labels", "BYTES", (n,))) if n else ()
    return (*tags, *(TensorInfo(spec.name, "FP32", (ANY, spec.dim)) for spec in shown.embeddings))


async def is_ready(plane: Plane, address: str) -> bool:
    """Whether requests for a model are answered now. Raises `model_not_found`."""
    return plane.model(address).served and (await plane.readiness()).ready


def index(plane: Plane, ready_only: bool = False) -> list[IndexEntry]:
    """Every model of the repositories."""
    entries = [_entry(info) for info in plane.models()]
    return [entry for entry in entries if entry.state == "READY" or not ready_only]


def _entry(info: ModelInfo) -> IndexEntry:
    reason = "" if info.served else "not served here" if info.pulled else "the weights are not pulled"
    return IndexEntry(info.card.name, info.card.version, "READY" if info.served else "UNAVAILABLE", reason)


def address_of(name: str, version: str = "") -> str:
    """`name` or `name@version`. Raises `model_not_found` for a name that is an address by itself."""
    if "@" in name or not name:
        raise SonotypeError(Code.MODEL_NOT_FOUND, f"There is no model named {name[:80]!r}.")
    return f"{name}@{version}" if version else name
