"""Heads that can be served: prototype models and transfer heads, each with the backbone it stands on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import ModelResult, Task
from sonotype.models.card import AnyHeadCard, Card, HeadCard, PrototypeCard
from sonotype.models.heads.prototypes import PrototypeHead
from sonotype.models.heads.provenance import PrototypeRecord, Provenance, badges_hold, read_provenance
from sonotype.models.heads.transfer import TransferHead
from sonotype.models.registry import Registry
from sonotype.plane.explain import by_layers, by_prototypes
from sonotype.plane.query import AnalyzeQuery

DECODER_FILE = "decoder.safetensors"
PROVENANCE_FILE = "provenance.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head(ABC):
    """A head, loaded: what every kind of them offers.

    Attributes:
        card: the model.
        backbone: the network whose embedding it reads.
        folder: where it lies.
        notes: what is amiss although it can be served.
    """

    card: AnyHeadCard
    backbone: Card
    folder: Path
    notes: tuple[str, ...] = ()

    @property
    def embedding(self) -> str:
        """Name of the embedding that it reads."""
        return self.card.backbone.embedding

    @property
    @abstractmethod
    def task(self) -> Task:
        """What its answers hold."""

    @abstractmethod
    def explain(self, backbone: ModelResult) -> ModelResult:
        """Its answer from that of its backbone, which holds the embeddings of every patch."""

    def fitted(self, query: AnalyzeQuery) -> AnalyzeQuery:
        """The query as its backbone is asked: with the head's own front end and hop where the caller names none."""
        return query


@dataclass(frozen=True, slots=True, kw_only=True)
class PrototypeModel(Head):
    """A prototype model.

    Attributes:
        classifier: its prototypes and their layer.
        records: provenance by prototype id; empty where there is none that fits.
        can_sonify: it has a decoder.
    """

    card: PrototypeCard
    classifier: PrototypeHead
    records: Mapping[str, PrototypeRecord] = field(default_factory=dict)
    can_sonify: bool = False

    @property
    def task(self) -> Task:
        """Whether one of its classes applies, or any number of them."""
        return "multilabel" if self.card.multilabel else "multiclass"

    def explain(self, backbone: ModelResult) -> ModelResult:
        """Classes with the evidence that decided; see `by_prototypes`."""
        return by_prototypes(self.classifier, backbone)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferModel(Head):
    """A transfer head with `classifier`, its layers."""

    card: HeadCard
    classifier: TransferHead

    @property
    def task(self) -> Task:
        """What its card says."""
        return self.card.task

    def explain(self, backbone: ModelResult) -> ModelResult:
        """Predictions of the layers; see `by_layers`."""
        return by_layers(self.classifier, backbone)

    def fitted(self, query: AnalyzeQuery) -> AnalyzeQuery:
        """The query with what the card says of front end and hop."""
        hop_s = self.card.hop_s if query.hop_s is None else query.hop_s
        return replace(query, frontend=query.frontend or self.card.frontend, hop_s=hop_s)


def load_head(registry: Registry, card: AnyHeadCard) -> Head:
    """Load a head and hold it against the network that is here.

    Raises:
        SonotypeError: `model_not_found` or `weights_missing` for its network; `weights_missing` or `weights_corrupt`
            for itself, also where it was trained on other weights of the network.
    """
    if isinstance(card, PrototypeCard):
        return _load_prototypes(registry, card)
    return _load_layers(registry, card)


def _load_prototypes(registry: Registry, card: PrototypeCard) -> PrototypeModel:
    backbone = _backbone(registry, card)
    folder = registry.folder(card)
    classifier = PrototypeHead.load(folder, card)
    _check_dim(backbone, card, classifier.dim, "its prototypes have")
    records, notes = _records(folder, card)
    missing = _decoder_fault(folder, card, classifier.dim)
    return PrototypeModel(
        card=card,
        backbone=backbone,
        folder=folder,
        notes=(*notes, *([missing] if missing else [])),
        classifier=classifier,
        records=records,
        can_sonify=card.decoder is not None and missing is None,
    )


def _load_layers(registry: Registry, card: HeadCard) -> TransferModel:
    backbone = _backbone(registry, card)
    if card.frontend is not None and card.frontend not in backbone.frontends:
        raise _corrupt(card, f"{backbone.name} has no front end {card.frontend!r}")
    folder = registry.folder(card)
    classifier = TransferHead.load(folder, card)
    _check_dim(backbone, card, classifier.dim, "its first layer takes")
    return TransferModel(card=card, backbone=backbone, folder=folder, classifier=classifier)


def _backbone(registry: Registry, card: AnyHeadCard) -> Card:
    name = card.backbone.model
    try:
        backbone = registry.get(name)
    except SonotypeError as error:
        detail = f"{card.name} stands on the network {name!r}, which is not in any model repository."
        raise SonotypeError(Code.MODEL_NOT_FOUND, detail) from error
    if backbone.weights_sha256 != card.backbone.sha256:
        raise _corrupt(card, f"it was trained on other weights of {name} than this version of it has")
    if not registry.is_pulled(backbone):
        detail = f"{card.name} stands on {name}: run `sonotype models pull {name}` first."
        raise SonotypeError(Code.WEIGHTS_MISSING, detail)
    return backbone


def _check_dim(backbone: Card, card: AnyHeadCard, dim: int, has: str) -> None:
    found = next((spec.dim for spec in backbone.embeddings if spec.name == card.backbone.embedding), None)
    if found is None:
        raise _corrupt(card, f"{backbone.name} has no embedding {card.backbone.embedding!r}")
    if found != dim:
        raise _corrupt(card, f"{has} {dim} numbers, the embedding {found}")


def _decoder_fault(folder: Path, card: PrototypeCard, dim: int) -> str | None:
    """Why nothing can be sonified although the card has a decoder. Its bytes are checked by who loads it."""
    if card.decoder is None:
        return None
    if card.decoder.dim != dim:
        return f"its decoder takes {card.decoder.dim} numbers, an embedding has {dim}: nothing can be sonified"
    if card.decoder.sha256 is not None and not (folder / DECODER_FILE).is_file():
        return f"{DECODER_FILE} is missing: nothing can be sonified"
    return None


def _records(folder: Path, card: PrototypeCard) -> tuple[dict[str, PrototypeRecord], tuple[str, ...]]:
    """Provenance by prototype id, and what is wrong with it; badges of another way to sample do not count."""
    path = folder / PROVENANCE_FILE
    if not path.is_file():
        return {}, ()
    try:
        found = read_provenance(path)
    except (ValueError, OSError):
        return {}, (f"{PROVENANCE_FILE} cannot be read",)
    if found.weights_sha256 != card.weights.sha256:
        return {}, (f"{PROVENANCE_FILE} is that of other prototypes",)
    if badges_hold(found, card.decoder):
        return {record.id: record for record in found.prototypes}, ()
    return _without_badges(found)


def _without_badges(found: Provenance) -> tuple[dict[str, PrototypeRecord], tuple[str, ...]]:
    gated = any(record.prototype or record.decoded_medoid for record in found.prototypes)
    bare = {"prototype": None, "decoded_medoid": None}
    records = {record.id: record.model_copy(update=bare) for record in found.prototypes}
    why = f"the badges of {PROVENANCE_FILE} are those of another decoder, or of other steps, guidance or options of it"
    return records, (why,) if gated else ()


def _corrupt(card: AnyHeadCard, what: str) -> SonotypeError:
    return SonotypeError(Code.WEIGHTS_CORRUPT, f"{card.name} cannot be served: {what}.")
