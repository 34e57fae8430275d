"""The network of the flow: a transformer that says where a noisy latent should move, given an embedding.

Rectified flow (Liu et al. 2022, arXiv:2209.03003): x_t = (1 - t) noise + t data, and the network estimates the
velocity data - noise. The transformer is a DiT with adaLN-zero (Peebles & Xie 2022, arXiv:2212.09748, section 3.2).
Every layer also sees the token before and the token after: attention alone needs long to find out that sound goes on,
and until then each token has a pitch of its own.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from sonotype.models.sonify.options import FlowMelOptions

_TIME_FEATURES = 128


class FlowTransformer(nn.Module):
    """Velocity of latents at a time, conditioned on a standardised embedding.

    Args:
        options: sizes.
        dim: length of the embedding.
    """

    def __init__(self, options: FlowMelOptions, dim: int) -> None:
        super().__init__()
        width = options.flow.width
        self.inlet = nn.Linear(3 * options.latent_dim, width)
        self.position = nn.Parameter(0.02 * torch.randn(options.tokens, width))
        self.time = nn.Sequential(nn.Linear(2 * _TIME_FEATURES, width), nn.SiLU(), nn.Linear(width, width))
        self.condition = nn.Sequential(nn.Linear(dim, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))
        self.unconditional = nn.Parameter(torch.zeros(width))
        blocks = (_Block(width, options.flow.heads, options.flow.feed_forward) for _ in range(options.flow.depth))
        self.blocks = nn.ModuleList(blocks)
        self.last = _modulation(width, 2)
        self.outlet = nn.Linear(width, options.latent_dim)
        nn.init.zeros_(self.outlet.weight)
        nn.init.zeros_(self.outlet.bias)

    def embed(self, embedding: Tensor, drop: Tensor | None = None) -> Tensor:
        """Condition vectors of standardised embeddings.

        Args:
            embedding: shape [B, dim].
            drop: which rows get the vector that stands for "no condition", bool of shape [B].

        Returns:
            Shape [B, width].
        """
        known: Tensor = self.condition(embedding)
        return known if drop is None else torch.where(drop[:, None], self.unconditional.to(known.dtype), known)

    def forward(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """Estimate velocities.

        Args:
            x: latents, shape [B, tokens, latent_dim].
            t: times from 0 (noise) to 1 (data), shape [B].
            condition: from `embed`, shape [B, width].

        Returns:
            Same shape as x.
        """
        mood = functional.silu(self.time(_waves(t)) + condition)
        h = self.inlet(torch.cat((_shifted(x, 1), x, _shifted(x, -1)), dim=-1)) + self.position
        for block in self.blocks:
            h = block(h, mood)
        shift, scale = self.last(mood)[:, None].chunk(2, dim=-1)
        velocity: Tensor = self.outlet(_modulate(h, shift, scale))
        return velocity


class _Block(nn.Module):
    """Self-attention and feed-forward, each shifted, scaled and gated by the condition; starts as identity."""

    def __init__(self, width: int, heads: int, feed_forward: int) -> None:
        super().__init__()
        self.heads = heads
        self.modulation = _modulation(width, 6)
        self.near = nn.ModuleList((_Neighbours(width), _Neighbours(width)))
        self.qkv = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        hidden = feed_forward * width
        self.feed = nn.Sequential(nn.Linear(width, hidden), nn.GELU(approximate="tanh"), nn.Linear(hidden, width))

    def forward(self, h: Tensor, mood: Tensor) -> Tensor:
        parts = self.modulation(mood)[:, None].chunk(6, dim=-1)
        h = h + parts[2] * self._attend(self.near[0](_modulate(h, parts[0], parts[1])))
        updated: Tensor = h + parts[5] * self.feed(self.near[1](_modulate(h, parts[3], parts[4])))
        return updated

    def _attend(self, h: Tensor) -> Tensor:
        batch, tokens, width = h.shape
        qkv = self.qkv(h).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        # written out: for so few tokens torch's fused attention on CPU takes five times as long
        scores = (qkv[0] @ qkv[1].transpose(-1, -2)) * (width // self.heads) ** -0.5
        mixed = scores.softmax(dim=-1).to(qkv.dtype) @ qkv[2]
        merged: Tensor = self.merge(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return merged


class _Neighbours(nn.Module):
    """A depthwise convolution over three tokens, around the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before = nn.Parameter(0.3 * torch.randn(width))
        self.after = nn.Parameter(0.3 * torch.randn(width))

    def forward(self, h: Tensor) -> Tensor:
        return h + self.before.to(h.dtype) * _shifted(h, 1) + self.after.to(h.dtype) * _shifted(h, -1)


def _shifted(h: Tensor, by: int) -> Tensor:
    """Tokens moved later (1) or earlier (-1), with zeros where none comes from."""
    return functional.pad(h[:, :-1], (0, 0, 1, 0)) if by > 0 else functional.pad(h[:, 1:], (0, 0, 0, 1))


def _modulation(width: int, parts: int) -> nn.Linear:
    """The layer that makes shifts, scales and gates; zero at first (adaLN-zero)."""
    layer = nn.Linear(width, parts * width)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _modulate(h: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return functional.layer_norm(h, h.shape[-1:], eps=1e-6) * (1.0 + scale) + shift


def _waves(t: Tensor) -> Tensor:
    """Sinusoids of the time in thousandths, shape [B, 2 * _TIME_FEATURES]."""
    rates = torch.exp(-math.log(10000.0) * torch.arange(_TIME_FEATURES, device=t.device) / _TIME_FEATURES)
    angles = 1000.0 * t.float()[:, None] * rates
    return torch.cat((angles.cos(), angles.sin()), dim=-1)
