"""Sizes of the networks: those that were published, and how to read them from a checkpoint's shapes."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sonotype.core.errors import Code, SonotypeError

Shapes = Mapping[str, tuple[int, ...]]


class _Sizes(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EncodecConfig(_Sizes):
    """EnCodec 24 kHz (Défossez et al. 2022, §3.1): strides in the order of the encoder."""

    sample_rate_hz: int = 24_000
    filters: int = Field(32, ge=2)
    strides: tuple[int, ...] = (2, 4, 5, 8)
    dim: int = Field(128, ge=1)
    lstm_layers: int = 2
    codebooks: int = 32
    codebook_size: int = 1024

    @property
    def hop(self) -> int:
        """Samples of one frame."""
        hop: int = prod(self.strides)
        return hop

    @property
    def widest(self) -> int:
        """Channels at the frame rate, between convolutions and the output layer."""
        return self.filters << len(self.strides)


class StackConfig(_Sizes):
    """One transformer stack. A head has dim // heads channels, which need not fill `dim` (large: 12 x 85 = 1020)."""

    layers: int = Field(ge=1)
    heads: int = Field(ge=1)
    dim: int = Field(768, ge=1)
    feedforward: int = Field(4096, ge=1)

    @model_validator(mode="after")
    def _heads_have_channels(self) -> Self:
        if self.heads > self.dim:
            raise ValueError("more heads than channels")
        return self


class EmbedderConfig(_Sizes):
    """What inference uses of EnCodecMAE: the codec's encoder and the transformer on its latents."""

    encodec: EncodecConfig = EncodecConfig()
    encoder: StackConfig


class ModelConfig(EmbedderConfig):
    """A whole EnCodecMAE, with the decoder and the head of its pre-training."""

    decoder: StackConfig
    streams: int = 8
    tokens: int = 1024


class AutoencoderConfig(_Sizes):
    """The summary autoencoder of PECMAE on an EnCodecMAE."""

    model: ModelConfig
    summary: StackConfig
    denoiser: StackConfig
    seconds: float = Field(gt=0)

    @property
    def samples(self) -> int:
        """Samples of one segment."""
        return round(self.seconds * self.model.encodec.sample_rate_hz)

    @property
    def frames(self) -> int:
        """Frames of one segment: 300 for 4 s, 750 for 10 s."""
        return -(-self.samples // self.model.encodec.hop)


def _sized(layers: int, dim: int) -> ModelConfig:
    stack = StackConfig(layers=layers, heads=12, dim=dim)
    return ModelConfig(encoder=stack, decoder=StackConfig(layers=2, heads=12, dim=dim))


SIZES = {"small": _sized(5, 768), "base": _sized(10, 768), "large": _sized(20, 1024)}


def autoencoder(seconds: float) -> AutoencoderConfig:
    """The published compressors `DiffTransformerAE2L8L1CLS-4s` and `-10s`."""
    return AutoencoderConfig(
        model=SIZES["base"],
        summary=StackConfig(layers=2, heads=8),
        denoiser=StackConfig(layers=8, heads=8),
        seconds=seconds,
    )


def embedder_from(shapes: Shapes, heads: int) -> EmbedderConfig:
    """Sizes of the inference part of an EnCodecMAE from a state dict with v1 names; only heads leave no trace there.

    Raises:
        SonotypeError: `weights_corrupt` where a tensor that tells a size is missing.
    """
    encodec = encodec_from(shapes, "wav_encoder.model.")
    return EmbedderConfig(encodec=encodec, encoder=stack_from(shapes, "visible_encoder", heads))


def model_from(shapes: Shapes, heads: int, decoder_heads: int) -> ModelConfig:
    """Sizes of a whole EnCodecMAE; see `embedder_from`."""
    embedder = embedder_from(shapes, heads)
    books = count(shapes, "target_encoder.model.vq.layers")
    size = dim_of(shapes, "target_encoder.model.vq.layers.0._codebook.embed", 0)
    return ModelConfig(
        encodec=embedder.encodec.model_copy(update={"codebooks": books, "codebook_size": size}),
        encoder=embedder.encoder,
        decoder=stack_from(shapes, "decoder", decoder_heads),
        streams=max(1, dim_of(shapes, "head.layer.weight", 0) // size),
        tokens=size,
    )


def encodec_from(shapes: Shapes, prefix: str) -> EncodecConfig:
    """Sizes of an EnCodec encoder under `prefix`; a strided convolution has a kernel of twice its stride."""
    strides = tuple(dim_of(shapes, f"{prefix}model.{3 * i + 3}.conv.conv.weight_v", 2) // 2 for i in range(4))
    filters = dim_of(shapes, f"{prefix}model.0.conv.conv.weight_v", 0)
    return EncodecConfig(
        filters=filters, strides=strides, dim=dim_of(shapes, f"{prefix}model.15.conv.conv.weight_v", 0)
    )


def stack_from(shapes: Shapes, prefix: str, heads: int) -> StackConfig:
    """Sizes of a transformer stack under `prefix`."""
    feedforward, dim = (dim_of(shapes, f"{prefix}.encoder_layers.0.ff_layer.0.weight", axis) for axis in (0, 1))
    layers = count(shapes, f"{prefix}.encoder_layers")
    try:
        return StackConfig(layers=layers, heads=heads, dim=dim, feedforward=feedforward)
    except ValueError as error:
        raise SonotypeError(Code.WEIGHTS_CORRUPT, f"{heads} heads do not fit the tensors of {prefix!r}.") from error


def count(shapes: Shapes, prefix: str) -> int:
    """How many numbered children `prefix` has."""
    rest = (name[len(prefix) + 1 :].partition(".")[0] for name in shapes if name.startswith(prefix + "."))
    return len({number for number in rest if number.isdecimal()})


def dim_of(shapes: Shapes, name: str, axis: int) -> int:
    """One dimension of a tensor. Raises `weights_corrupt` where there is none."""
    shape = shapes.get(name, ())
    if axis >= len(shape) or shape[axis] < 1:
        raise SonotypeError(Code.WEIGHTS_CORRUPT, f"The checkpoint has no usable tensor {name!r}.")
    return shape[axis]
