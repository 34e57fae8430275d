"""Prototype models that can be served: the head, the network it stands on, and what is known of its prototypes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card, PrototypeCard
from sonotype.models.heads.prototypes import PrototypeHead
from sonotype.models.heads.provenance import PrototypeRecord, Provenance, read_provenance
from sonotype.models.registry import Registry

DECODER_FILE = "decoder.safetensors"
PROVENANCE_FILE = "provenance.json"


@dataclass(frozen=True, slots=True)
class Head:
    """A prototype model, loaded.

    Attributes:
        card: the model.
        classifier: its prototypes and their layer.
        backbone: the network whose embedding it reads.
        folder: where it lies.
        records: provenance by prototype id; empty where there is none that fits.
        can_sonify: it has a decoder.
        notes: what is amiss although it can be served.
    """

    card: PrototypeCard
    classifier: PrototypeHead
    backbone: Card
    folder: Path
    records: Mapping[str, PrototypeRecord] = field(default_factory=dict)
    can_sonify: bool = False
    notes: tuple[str, ...] = ()

    @property
    def embedding(self) -> str:
        """Name of the embedding that it reads."""
        return self.card.backbone.embedding


def load_head(registry: Registry, card: PrototypeCard) -> Head:
    """Load a prototype model and hold it against the network that is here.

    Raises:
        SonotypeError: `model_not_found` or `weights_missing` for its network; `weights_missing` or `weights_corrupt`
            for itself, also where it was trained on other weights of the network.
    """
    backbone = _backbone(registry, card)
    folder = registry.folder(card)
    classifier = PrototypeHead.load(folder, card)
    if classifier.dim != _dim(backbone, card):
        raise _corrupt(card, f"its prototypes have {classifier.dim} numbers, the embedding {_dim(backbone, card)}")
    records, notes = _records(folder, card)
    missing = _decoder_fault(folder, card, classifier.dim)
    can_sonify = card.decoder is not None and missing is None
    return Head(card, classifier, backbone, folder, records, can_sonify, (*notes, *([missing] if missing else [])))


def _backbone(registry: Registry, card: PrototypeCard) -> Card:
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


def _dim(backbone: Card, card: PrototypeCard) -> int:
    found = next((spec.dim for spec in backbone.embeddings if spec.name == card.backbone.embedding), None)
    if found is None:
        raise _corrupt(card, f"{backbone.name} has no embedding {card.backbone.embedding!r}")
    return found


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
    """Provenance by prototype id, and what is wrong with it; badges of another decoder do not count."""
    path = folder / PROVENANCE_FILE
    if not path.is_file():
        return {}, ()
    try:
        found = read_provenance(path)
    except (ValueError, OSError):
        return {}, (f"{PROVENANCE_FILE} cannot be read",)
    if found.weights_sha256 != card.weights.sha256:
        return {}, (f"{PROVENANCE_FILE} is that of other prototypes",)
    if card.decoder is not None and found.decoder_sha256 == card.decoder.sha256:
        return {record.id: record for record in found.prototypes}, ()
    return _without_badges(found)


def _without_badges(found: Provenance) -> tuple[dict[str, PrototypeRecord], tuple[str, ...]]:
    gated = any(record.prototype or record.decoded_medoid for record in found.prototypes)
    bare = {"prototype": None, "decoded_medoid": None}
    records = {record.id: record.model_copy(update=bare) for record in found.prototypes}
    return records, (f"the badges of {PROVENANCE_FILE} are those of another decoder",) if gated else ()


def _corrupt(card: PrototypeCard, what: str) -> SonotypeError:
    return SonotypeError(Code.WEIGHTS_CORRUPT, f"{card.name} cannot be served: {what}.")
