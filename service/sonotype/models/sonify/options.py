"""What a `flow-mel` decoder is made of: the `options` of its table in the card."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sonotype.models.card_parts import FrontendSpec

# parameters of `LogMel` that suit resynthesis at 16 kHz; the log scale is MusiCNN's, so both see the same loudness
DEFAULT_MEL = FrontendSpec(
    sample_rate_hz=16000,
    n_fft=1024,
    hop_length=256,
    n_mels=96,
    fmin_hz=0.0,
    fmax_hz=8000.0,
    window="periodic",
    padding="zero",
    frames="floor",
    log_scale=10000.0,
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FlowSpec(_Strict):
    """Size of the flow transformer."""

    width: int = 192
    depth: int = 6
    heads: int = 3
    feed_forward: int = Field(4, description="hidden units of the feed-forward layers, in widths")


class VocoderSpec(_Strict):
    """Size of the vocoder."""

    width: int = 256
    depth: int = 6
    hidden: int = 768
    kernel: int = Field(7, description="frames, odd")
    iterations: int = Field(2, description="of Griffin and Lim's algorithm before the network corrects")


class FlowMelOptions(_Strict):
    """Everything that the weights of a `flow-mel` decoder do not say about themselves.

    A segment is `frames` frames of log-mel, cut into tokens of `token_frames` frames, each projected to `latent_dim`
    principal components.
    """

    mel: FrontendSpec = DEFAULT_MEL
    frames: int = 256
    token_frames: int = 8
    latent_dim: int = 128
    flow: FlowSpec = FlowSpec()
    vocoder: VocoderSpec = VocoderSpec()
    solver: Literal["euler", "midpoint", "heun"] = "euler"
    shift: float = Field(2.0, gt=0, description="above 1 more of the steps lie near the noise")
    synthesis: Literal["vocoder", "griffin-lim"] = "vocoder"
    block_frames: int = Field(64, description="frames of one streamed block")

    @property
    def tokens(self) -> int:
        """Tokens in a segment."""
        return self.frames // self.token_frames

    @property
    def samples(self) -> int:
        """Samples in a segment."""
        return self.frames * self.mel.hop_length
