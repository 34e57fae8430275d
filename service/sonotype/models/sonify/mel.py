"""Log-mel frames of a segment: N frames for N hops of samples, so that a vocoder gives back what came in."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from sonotype.models.frontend.logmel import LogMel

_TINY = 1e-12


def segment_mel(frontend: LogMel, samples: Tensor) -> Tensor:
    """Log-mel of samples whose length is a multiple of the hop.

    Frame i is centred on the middle of hop i; zeros stand before and after the samples.

    Args:
        frontend: the mel front end.
        samples: shape [B, n * hop_length].

    Returns:
        Shape [B, n, n_mels].
    """
    margin = frontend.spec.n_fft - frontend.spec.hop_length
    mel: Tensor = frontend(functional.pad(samples, (margin // 2, margin - margin // 2)))
    return mel


def mel_power(frontend: LogMel, mel: Tensor) -> Tensor:
    """Undo the logarithm: mel power, never negative, of the same shape."""
    return ((10.0 ** mel.clamp(min=0.0)) - 1.0) / frontend.spec.log_scale


def linear_power(frontend: LogMel, mel: Tensor, iterations: int = 24) -> Tensor:
    """Find a power spectrum, never negative, whose mel power is that of the log-mel.

    Non-negative least squares by multiplicative updates (Lee & Seung 2001, "Algorithms for non-negative matrix
    factorization", equation 4). The pseudo-inverse, cut off at zero, misses the log-mel by eight times as much.

    Args:
        frontend: the front end that made the log-mel.
        mel: shape [B, frames, n_mels].
        iterations: updates.

    Returns:
        Shape [B, n_fft // 2 + 1, frames].
    """
    filters, target = frontend.filters, mel_power(frontend, mel)
    wanted = target @ filters.T
    power = wanted + _TINY
    for _ in range(iterations):
        power = power * wanted / (power @ filters @ filters.T + _TINY)
    return power.transpose(-1, -2)
