"""The card of a model: everything that is needed to fetch, load, feed and cite it."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, NonNegativeInt, field_validator, model_validator

from sonotype.core.types import Quality, Task
from sonotype.models.card_parts import (
    NAME,
    SHA256,
    VERSION,
    AnyFrontend,
    BackboneSpec,
    DecoderSpec,
    EmbeddingOf,
    EmbeddingSpec,
    FrontendSpec,
    LayerSpec,
    LicenceSpec,
    NetworkSpec,
    PatchoutSpec,
    PatchSpec,
    RuntimeSpec,
    SourceSpec,
    Strict,
    WeightsSpec,
)
from sonotype.models.nets.patchout import SIDE, grid_size

NAME_PATTERN = re.compile(NAME)
_FIXED_LENGTH = {"musicnn", "vgg"}
TAGGER = "tagger:"
TAGGER_PATTERN = rf"^{TAGGER}[a-z0-9][a-z0-9_-]{{0,63}}$"


class Card(Strict):
    """The manifest of a model: one `card.toml` per folder of a model repository."""

    card_schema: Literal[1]
    name: str = Field(pattern=NAME)
    version: str = Field(pattern=VERSION)
    title: str
    description: str
    network: NetworkSpec
    frontends: dict[str, AnyFrontend] = Field(description="variants by name; the first is the default")
    patch: PatchSpec
    labels: tuple[str, ...] = Field(description="none where a model gives embeddings only")
    embeddings: tuple[EmbeddingSpec, ...]
    patchout: dict[Quality, PatchoutSpec] = Field(
        default_factory=dict,
        description="what each quality leaves out; none where the network cannot leave anything out",
    )
    groups: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="labels by group, for showing them apart; a label may be in none"
    )
    runtime: RuntimeSpec | None = Field(None, description="engine and precision where the settings leave them open")
    weights: WeightsSpec | None = None
    source: SourceSpec
    licence: LicenceSpec
    citation: str

    @field_validator("frontends")
    @classmethod
    def _at_least_one(cls, value: dict[str, AnyFrontend]) -> dict[str, AnyFrontend]:
        if not value:
            raise ValueError("a card needs at least one front end")
        return value

    @model_validator(mode="after")
    def _patches_fit_the_network(self) -> Self:
        if self.patch.short == "native" and self.network.family in _FIXED_LENGTH:
            raise ValueError(f"a network of the family {self.network.family} takes whole patches only")
        bands = [spec.n_mels for spec in self.mel_frontends.values()]
        if self.patchout and not (bands and grid_size(min(bands)) and grid_size(self.patch.frames)):
            raise ValueError(f"without a patch of {SIDE} frames and mel bands there is nothing to leave out")
        return self

    @property
    def address(self) -> str:
        """`name@version`, as shown in every answer."""
        return f"{self.name}@{self.version}"

    @property
    def default_frontend(self) -> str:
        """Name of the front end the network was trained with."""
        return next(iter(self.frontends))

    @property
    def mel_frontends(self) -> dict[str, FrontendSpec]:
        """Those front ends that compute log-mel patches."""
        return {name: spec for name, spec in self.frontends.items() if isinstance(spec, FrontendSpec)}

    @property
    def weights_sha256(self) -> str:
        """Hash that identifies the function: that of the weights, or of the card where there are none (fakes)."""
        if self.weights is not None:
            return self.weights.sha256
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class PrototypeCard(Strict):
    """The manifest of a prototype model (PECMAE): classes decided by prototypes on a backbone's embedding.

    Beside it lie `prototypes.safetensors`, and where there are any `provenance.json` and `decoder.safetensors`.
    """

    card_schema: Literal[1]
    kind: Literal["prototypes"]
    name: str = Field(pattern=NAME)
    version: str = Field(pattern=VERSION)
    title: str
    description: str
    labels: tuple[str, ...] = Field(min_length=1, description="the classes")
    multilabel: bool = False
    temperature: float = Field(1.0, gt=0, description="probabilities are softmax or sigmoid of logits / temperature")
    backbone: BackboneSpec
    weights: WeightsSpec
    decoder: DecoderSpec | None = None
    seeds: tuple[NonNegativeInt, ...] = Field((0, 1, 2), description="sonifications rendered for every prototype")
    licence: LicenceSpec
    citation: str

    @model_validator(mode="after")
    def _something_to_choose(self) -> Self:
        if not self.multilabel and len(self.labels) < 2:  # softmax over one is always 1
            raise ValueError("a model of which one class applies needs at least two labels")
        return self

    @property
    def address(self) -> str:
        """`name@version`, as shown in every answer."""
        return f"{self.name}@{self.version}"


class HeadCard(Strict):
    """The manifest of a transfer head: a few dense layers on the embedding of a backbone.

    Beside it lie `head.safetensors` (with `normalise.mean` and `normalise.scale` where it standardises) and, where it
    was trained here, `report.json`. Predictions are made for every patch and averaged.
    """

    card_schema: Literal[1]
    kind: Literal["head"]
    name: str = Field(pattern=NAME)
    version: str = Field(pattern=VERSION)
    title: str
    description: str
    task: Task
    labels: tuple[str, ...] = Field(min_length=1, description="classes, tags, or the values of a regression")
    positive: str | None = Field(None, description="of two classes the one that the head is named after")
    backbone: BackboneSpec
    frontend: str | None = Field(None, description="front end variant of the backbone it was trained with")
    hop_s: float | None = Field(None, gt=0, description="seconds between patches; absent means the backbone's own")
    layers: tuple[LayerSpec, ...] = Field(min_length=1, description="from the embedding to the outputs")
    temperature: float = Field(1.0, gt=0, description="probabilities are softmax or sigmoid of outputs / temperature")
    weights: WeightsSpec
    source: SourceSpec = Field(default_factory=lambda: SourceSpec(kind="none"))
    licence: LicenceSpec
    citation: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.layers[-1].units != len(self.labels):
            raise ValueError("the last layer needs as many units as there are labels")
        if self.task == "multiclass" and len(self.labels) < 2:  # softmax over one is always 1
            raise ValueError("a model of which one class applies needs at least two labels")
        return self

    @property
    def address(self) -> str:
        """`name@version`, as shown in every answer."""
        return f"{self.name}@{self.version}"


class TaggerCard(Strict):
    """What is said of a tagger where models are listed. It lies in no repository: the catalogue made it."""

    kind: Literal["tagger"] = "tagger"
    name: str = Field(pattern=TAGGER_PATTERN)
    version: str = Field(pattern=VERSION)
    title: str
    description: str
    labels: tuple[str, ...] = Field(min_length=1)
    backbone: EmbeddingOf
    generation: str = Field(description="of the catalogue, whose embeddings it reads")
    tracks: int = Field(ge=0, description="that it learnt from")
    prototypes: int = Field(ge=0, description="there are now")
    corrections: int = Field(ge=0, description="that count now")
    stale: bool = Field(description="the catalogue searches another generation by now")
    sha256: str = Field(pattern=SHA256, description="of its name, birth, generation and version: another set, another")
    licence: LicenceSpec
    citation: str = ""

    @property
    def address(self) -> str:
        """`tagger:name@version`, as shown in every answer."""
        return f"{self.name}@{self.version}"


AnyHeadCard = PrototypeCard | HeadCard
AnyCard = Card | PrototypeCard | HeadCard
ListedCard = AnyCard | TaggerCard


def read_card(path: Path) -> Card:
    """Read and validate the `card.toml` of a network.

    Raises:
        ValueError: the file is not TOML or does not fit the schema (pydantic's error is a ValueError too).
    """
    return Card.model_validate(_fields(path))


def read_any_card(path: Path) -> AnyCard:
    """Read and validate one `card.toml`; its `kind` says which schema counts, a network's where there is none.

    Raises:
        ValueError: as `read_card`.
    """
    fields = _fields(path)
    if fields.get("kind") == "prototypes":
        return PrototypeCard.model_validate(fields)
    if fields.get("kind") == "head":
        return HeadCard.model_validate(fields)
    return Card.model_validate(fields)


def _fields(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
