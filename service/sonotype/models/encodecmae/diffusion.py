"""From a summary vector to EnCodec latents: v-prediction on a circle, sampled without noise (PECMAE §3.1).

Salimans and Ho 2022 (v-prediction, appendix D: DDIM in angles); Ho and Salimans 2022 (classifier-free guidance).
With alpha = cos(pi t / 2) and beta = sin(pi t / 2): x_t = alpha x0 + beta noise, v = alpha noise - beta x0.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from sonotype.models.encodecmae.config import StackConfig
from sonotype.models.encodecmae.residual import ResidualStack, ScaledSinusoid, prepended

Velocity = Callable[[Tensor, float], Tensor]


class Denoiser(nn.Module):
    """Predicts v from noisy latents, the time, and z as a token in front.

    The scale of the positions is not its own: it is the summary encoder's, so `forward` takes it.
    """

    def __init__(self, config: StackConfig, latent_dim: int) -> None:
        super().__init__()
        self.denoiser = ResidualStack(config)
        self.in_adapter = nn.Linear(latent_dim, config.dim)
        self.out_adapter = nn.Linear(config.dim, latent_dim)
        self.time_embedding = nn.Sequential(nn.Linear(1, config.dim), nn.ReLU(), nn.Linear(config.dim, config.dim))

    def velocity(self, x: Tensor, t: Tensor, z: Tensor, positions: ScaledSinusoid) -> Tensor:
        """Predict v.

        Args:
            x: noisy latents, shape [B, T, latent_dim].
            t: time from 0 (clean) to 1 (noise), shape [B].
            z: conditions, shape [B, dim]; zeros mean none.
            positions: of the summary encoder.

        Returns:
            Shape [B, T, latent_dim].
        """
        tokens = torch.stack((z, self.time_embedding(t[:, None])), dim=1)
        out = self.denoiser(prepended(tokens, positions(self.in_adapter(x))))
        v: Tensor = self.out_adapter(out[:, tokens.shape[1] :])
        return v


def guided(denoiser: Denoiser, positions: ScaledSinusoid, z: Tensor, guidance: float) -> Velocity:
    """The velocity v_c + g (v_c - v_u) as a function of x and t; g = 0 is the plain condition and half the work.

    Args:
        denoiser: the network.
        positions: of the summary encoder.
        z: condition, shape [1, dim].
        guidance: g; PECMAE takes 1 for sonifications, the authors' library 4.
    """
    if guidance == 0.0:
        return lambda x, t: denoiser.velocity(x, x.new_full((1,), t), z, positions)
    both = torch.cat((z, torch.zeros_like(z)))

    def velocity(x: Tensor, t: float) -> Tensor:
        with_z, without = denoiser.velocity(x.expand(2, -1, -1), x.new_full((2,), t), both, positions).chunk(2)
        return with_z + guidance * (with_z - without)

    return velocity


def sample(velocity: Velocity, noise: Tensor, steps: int) -> Tensor:
    """Walk from t = 1 to t = 0 in equal steps, each a turn by pi / (2 steps) (DDIM with eta = 0).

    Args:
        velocity: v of x_t and t.
        noise: x_1, shape [1, T, latent_dim].
        steps: at least 1.

    Returns:
        x_0, of the same shape; exact for any number of steps where v is.
    """
    x = noise
    for step in range(steps):
        now, after = 1.0 - step / steps, 1.0 - (step + 1) / steps
        v = velocity(x, now)
        (alpha, beta), (alpha_after, beta_after) = _angle(now), _angle(after)
        clean, rest = alpha * x - beta * v, beta * x + alpha * v
        x = alpha_after * clean + beta_after * rest
    return x


def _angle(t: float) -> tuple[float, float]:
    return math.cos(math.pi * t / 2), math.sin(math.pi * t / 2)
