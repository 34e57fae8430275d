"""The summary vector of PECMAE: a learned token that attends to all frames of a segment (§3.1 of the paper)."""

from __future__ import annotations

from torch import Tensor, nn

from sonotype.models.encodecmae.config import AutoencoderConfig, StackConfig
from sonotype.models.encodecmae.diffusion import Denoiser
from sonotype.models.encodecmae.encodecmae import EncodecMae
from sonotype.models.encodecmae.residual import ResidualStack, ScaledSinusoid, prepended


class Summary(nn.Module):
    """Frames of a segment to one vector z. It is neither normalised nor bounded."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.encoder = ResidualStack(config)
        self.cls_tokens = nn.Embedding(1, config.dim)
        self.pos_encoder = ScaledSinusoid()

    def forward(self, frames: Tensor) -> Tensor:
        """[B, T, dim] to [B, dim]. The token has no position."""
        token = self.cls_tokens.weight.expand(len(frames), 1, -1)
        out: Tensor = self.encoder(prepended(token, self.pos_encoder(frames)))
        return out[:, 0]


class SummaryEncoder(Summary):
    """The summary together with the frozen EnCodecMAE whose frames it sums up."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__(config.summary)
        self.encodecmae_model = EncodecMae(config.model)

    def embed(self, samples: Tensor) -> Tensor:
        """[B, n] samples at 24 kHz to z, [B, dim]."""
        z: Tensor = self(self.encodecmae_model(samples))
        return z


class SummaryAutoencoder(Denoiser):
    """The whole published file: the encoder beside the denoiser that turns z into EnCodec latents."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__(config.denoiser, config.model.encodec.dim)
        self.encoder = SummaryEncoder(config)
