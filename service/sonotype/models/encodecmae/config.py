"""Sizes of the networks, and those that were published."""

from __future__ import annotations

from math import prod
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


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
