"""Log-mel frames of a segment: N frames for N hops of samples, so that a vocoder gives back what came in."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sonotype.models.frontend.logmel import LogMel


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


def linear_power(frontend: LogMel, mel: Tensor) -> Tensor:
    """Estimate the power spectrum from log-mel: the pseudo-inverse of the filters, negative values cut off.

    Returns:
        Shape [B, n_fft // 2 + 1, frames].
    """
    inverse = torch.linalg.pinv(frontend.filters.double()).float()
    return (mel_power(frontend, mel) @ inverse).clamp(min=0.0).transpose(-1, -2)
