"""The transformer of EnCodecMAE: ResiDual normalisation, one feed-forward for all layers, interleaved heads."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sonotype.models.encodecmae.config import StackConfig

_MASKED = -1e9


class Attention(nn.Module):
    """Self-attention without biases; channel c of a projection belongs to head c mod heads.

    torch's own layout is the opposite (c // head_dim), so the published weights need this one.
    """

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self._heads = config.heads
        self._head_dim = config.dim // config.heads
        inner = self._heads * self._head_dim
        self.wq = nn.Linear(config.dim, inner, bias=False)
        self.wk = nn.Linear(config.dim, inner, bias=False)
        self.wv = nn.Linear(config.dim, inner, bias=False)
        self.wo = nn.Linear(inner, config.dim, bias=False)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Attend.

        Args:
            x: shape [B, T, dim].
            bias: added to the scores, shape [B, 1, 1, T].
        """
        query, key, value = (self._split(project(x)) for project in (self.wq, self.wk, self.wv))
        merged = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        out: Tensor = self.wo(merged.permute(0, 2, 3, 1).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        """[B, T, head_dim * heads] to [B, heads, T, head_dim]."""
        return x.reshape(*x.shape[:2], self._head_dim, self._heads).permute(0, 3, 1, 2).contiguous()


class ResidualLayer(nn.Module):
    """One layer; `feedforward` is the stack's, so a state dict lists the same tensors under every layer."""

    def __init__(self, config: StackConfig, feedforward: nn.Module) -> None:
        super().__init__()
        self.att_layer = Attention(config)
        self.ff_layer = feedforward
        self.norm1 = nn.LayerNorm(config.dim)
        self.norm2 = nn.LayerNorm(config.dim)

    def forward(self, a: Tensor, b: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        """Advance the normalised stream `a` and the plain sum `b`, both [B, T, dim]."""
        attended = self.att_layer(a, bias)
        a, b = self.norm1(a + attended), b + attended
        mapped = self.ff_layer(a)
        return self.norm2(a + mapped), b + mapped


class ResidualStack(nn.Module):
    """A stack of layers with two residual streams (ResiDual, Xie et al. 2023)."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        shared = nn.Sequential(
            nn.Linear(config.dim, config.feedforward), nn.ReLU(), nn.Linear(config.feedforward, config.dim)
        )
        self.encoder_layers = nn.ModuleList(ResidualLayer(config, shared) for _ in range(config.layers))
        self.final_norm = nn.LayerNorm(config.dim)

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """Run the stack.

        Args:
            x: shape [B, T, dim].
            padding: True where a position is padding that nobody may attend to, shape [B, T].

        Returns:
            a + norm(b), shape [B, T, dim].
        """
        bias = None if padding is None else (padding.to(x.dtype) * _MASKED)[:, None, None, :]
        a = b = x
        for layer in self.encoder_layers:
            a, b = layer(a, b, bias)
        out: Tensor = a + self.final_norm(b)
        return out


class ScaledSinusoid(nn.Module):
    """Sinusoidal positions times one learned scale: sine in even, cosine in odd channels, base 10 000."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Add the positions to x, shape [B, T, dim]."""
        return x + self.scale * sinusoid(x.shape[1], x.shape[2], x.device).to(x.dtype)


def sinusoid(length: int, dim: int, device: torch.device) -> Tensor:
    """Positions 0 to length - 1, shape [length, dim] (Vaswani et al. 2017, §3.5)."""
    pair = torch.arange(0, dim, 2, dtype=torch.float32, device=device)
    angle = torch.arange(length, dtype=torch.float32, device=device)[:, None] * 10_000.0 ** (-pair / dim)
    return torch.stack((angle.sin(), angle.cos()), dim=2).flatten(1)[:, :dim]


def prepended(tokens: Tensor, x: Tensor) -> Tensor:
    """Tokens [B, k, dim] in front of a sequence [B, T, dim]."""
    return torch.cat((tokens, x), dim=1)
