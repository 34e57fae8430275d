"""EnCodecMAE (Pepino, Riera, Ferrer 2023): the frozen embedding of PECMAE, in the layout of its first release."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sonotype.models.encodecmae.config import EmbedderConfig, ModelConfig
from sonotype.models.encodecmae.encodec import Encoder
from sonotype.models.encodecmae.quantizer import ResidualQuantizer
from sonotype.models.encodecmae.residual import ResidualStack, ScaledSinusoid


class _Model(nn.Module):
    """One more level in the names: `wav_encoder.model`, `target_encoder.model`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model


class _Head(nn.Module):
    def __init__(self, dim: int, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(dim, outputs)


class FrameEmbedder(nn.Module):
    """The part that inference uses: waveform to one vector per frame of 1/75 s."""

    def __init__(self, config: EmbedderConfig) -> None:
        super().__init__()
        dim = config.encoder.dim
        self.hop = config.encodec.hop
        self.wav_encoder = _Model(Encoder(config.encodec))
        self.feat_projector = nn.Linear(config.encodec.dim, dim)
        self.positional_encoder = ScaledSinusoid()
        self.visible_encoder = ResidualStack(config.encoder)

    def latents(self, samples: Tensor) -> Tensor:
        """Unquantised EnCodec latents: [B, n] at 24 kHz to [B, ceil(n / 320), 128]."""
        latents: Tensor = self.wav_encoder.model(samples[:, None, :])
        return latents.transpose(1, 2)

    def forward(self, samples: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Embed at most a few seconds; nothing is masked out as in training.

        Args:
            samples: mono at 24 kHz, shape [B, n]; the level is left as it is.
            lengths: true samples of each row, int64 of shape [B]; frames from lengths // 320 on are padding. None,
                as in PECMAE, means that all frames count, a last one that is not full included.

        Returns:
            Shape [B, ceil(n / 320), dim].
        """
        x = self.positional_encoder(self.feat_projector(self.latents(samples)))
        padding = None
        if lengths is not None:
            padding = torch.arange(x.shape[1], device=x.device) >= (lengths // self.hop)[:, None]
        frames: Tensor = self.visible_encoder(x, padding)
        return frames


class EncodecMae(FrameEmbedder):
    """The whole published model, with what only its pre-training used: targets, decoder and head."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        codec, dim = config.encodec, config.encoder.dim
        self.target_encoder = _Model(ResidualQuantizer(codec.dim, codec.codebooks, codec.codebook_size))
        self.decoder_projector = nn.Linear(dim, dim)
        self.decoder = ResidualStack(config.decoder)
        self.head = _Head(dim, config.streams * config.tokens)
