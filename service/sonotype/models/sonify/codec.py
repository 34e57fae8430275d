"""Log-mel segments to short sequences of principal components and back: a latent space without training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# standard deviations below this share of the largest are raised to it, so that faint components are not blown up
SCALE_FLOOR = 0.05


class PatchCodec(nn.Module):
    """Principal component analysis of blocks of `token_frames` frames over all bands, standardised.

    Args:
        token_frames: frames in one token.
        n_mels: bands of a frame.
        latent_dim: components kept.
    """

    mean: Tensor
    basis: Tensor
    scale: Tensor

    def __init__(self, token_frames: int, n_mels: int, latent_dim: int) -> None:
        super().__init__()
        self.token_frames, self.n_mels = token_frames, n_mels
        self.register_buffer("mean", torch.zeros(token_frames * n_mels))
        self.register_buffer("basis", torch.zeros(token_frames * n_mels, latent_dim))
        self.register_buffer("scale", torch.ones(latent_dim))

    def encode(self, mel: Tensor) -> Tensor:
        """Map log-mel [B, frames, n_mels] to latents [B, frames / token_frames, latent_dim]."""
        blocks = mel.reshape(mel.shape[0], -1, self.token_frames * self.n_mels)
        return (blocks - self.mean) @ self.basis / self.scale

    def decode(self, latents: Tensor) -> Tensor:
        """Map latents [B, tokens, latent_dim] to log-mel [B, tokens * token_frames, n_mels]."""
        blocks = (latents * self.scale) @ self.basis.T + self.mean
        return blocks.reshape(latents.shape[0], -1, self.n_mels)

    @torch.no_grad()
    def fit(self, blocks: Tensor) -> float:
        """Find the components of training blocks.

        Args:
            blocks: flattened blocks, shape [n, token_frames * n_mels].

        Returns:
            The share of the variance that the kept components hold, from 0 to 1.
        """
        mean = blocks.double().mean(0)
        centred = blocks.double() - mean
        values, vectors = torch.linalg.eigh(centred.T @ centred / len(blocks))
        values, vectors = values.flip(0).clamp(min=0.0), vectors.flip(1)
        kept = values[: self.scale.numel()]
        self.mean.copy_(mean)
        self.basis.copy_(vectors[:, : self.scale.numel()])
        self.scale.copy_(kept.sqrt().clamp(min=SCALE_FLOOR * float(kept[0].sqrt())))
        return float(kept.sum() / values.sum())
