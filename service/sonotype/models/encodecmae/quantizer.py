"""Residual vector quantisation with plain Euclidean codebooks (Défossez et al. 2022, §3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Codebook(nn.Module):
    """One codebook; all buffers but `embed` serve training only and are kept because published files hold them."""

    inited: Tensor
    cluster_size: Tensor
    embed: Tensor
    embed_avg: Tensor

    def __init__(self, dim: int, size: int) -> None:
        super().__init__()
        self.register_buffer("inited", torch.ones(1))
        self.register_buffer("cluster_size", torch.zeros(size))
        self.register_buffer("embed", torch.randn(size, dim))
        self.register_buffer("embed_avg", torch.zeros(size, dim))

    def nearest(self, x: Tensor) -> Tensor:
        """Index of the nearest entry: [..., dim] to [...]."""
        # |x|^2 is the same for all entries
        distance = self.embed.square().sum(1) - 2.0 * x @ self.embed.T
        return distance.argmin(-1)


class _Layer(nn.Module):
    def __init__(self, dim: int, size: int) -> None:
        super().__init__()
        self._codebook = Codebook(dim, size)


class ResidualQuantizer(nn.Module):
    """Codebook after codebook, each on what the ones before left over; each is worth 0.75 kbit/s at 75 frames/s."""

    def __init__(self, dim: int, codebooks: int, size: int) -> None:
        super().__init__()
        self.vq = nn.Module()
        self.vq.layers = nn.ModuleList(_Layer(dim, size) for _ in range(codebooks))

    def encode(self, latents: Tensor, codebooks: int | None = None) -> Tensor:
        """Codes of latents.

        Args:
            latents: shape [B, dim, frames].
            codebooks: how many of the first ones are used; None means all.

        Returns:
            int64 of shape [codebooks, B, frames].
        """
        residual = latents.transpose(1, 2)
        codes = []
        for book in self._books()[:codebooks]:
            index = book.nearest(residual)
            residual = residual - book.embed[index]
            codes.append(index)
        return torch.stack(codes)

    def decode(self, codes: Tensor) -> Tensor:
        """Sum of the chosen entries: [codebooks, B, frames] to [B, dim, frames]."""
        books = self._books()[: len(codes)]
        chosen = torch.stack([book.embed[index] for book, index in zip(books, codes, strict=True)])
        return chosen.sum(0).transpose(1, 2)

    def _books(self) -> list[Codebook]:
        layers = self.vq.layers
        assert isinstance(layers, nn.ModuleList), "set in the constructor"  # noqa: S101
        return [layer._codebook for layer in layers if isinstance(layer, _Layer)]
