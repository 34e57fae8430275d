"""Spectra of frames centred on the middle of their hop (see `mel.segment_mel`), and first guesses of their phases."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

_FAR = 10**6


def analyse(samples: Tensor, window: Tensor, hop: int) -> Tensor:
    """Map samples [B, n * hop] to complex spectra [B, n, len(window) // 2 + 1]."""
    margin = len(window) - hop
    padded = functional.pad(samples, (margin // 2, margin - margin // 2))
    spectra: Tensor = torch.fft.rfft(padded.unfold(-1, len(window), hop) * window)
    return spectra


def overlap_add(spectra: Tensor, window: Tensor, hop: int) -> Tensor:
    """Map complex spectra [B, n, len(window) // 2 + 1] to samples [B, n * hop], the inverse of `analyse`."""
    count, size = spectra.shape[1], len(window)
    pieces = torch.fft.irfft(spectra, n=size) * window
    length = (count - 1) * hop + size
    total = _fold(pieces.transpose(1, 2), length, size, hop)
    weight = _fold(window.square()[None, :, None].expand(1, size, count), length, size, hop)
    margin = (size - hop) // 2
    inside = slice(margin, margin + count * hop)
    return total[:, inside] / weight[:, inside].clamp(min=1e-8)


def reach(size: int, hop: int) -> int:
    """Frames to each side of a frame that share samples with it."""
    return -(-size // hop) - 1


class Phases:
    """Phases of steady tones, piece by piece: single pass spectrogram inversion.

    Every bin follows the frequency of the peak nearest to it, found by a parabola through the peak, and continues
    that peak's phase (Beauregard, Harish & Wyse 2015, "Single pass spectrogram inversion", section 3).

    Args:
        hop: samples from frame to frame.
    """

    def __init__(self, hop: int) -> None:
        self._hop = hop
        self._now: Tensor | None = None

    def following(self, magnitude: Tensor) -> Tensor:
        """Phases of the frames that come next.

        Args:
            magnitude: of these frames, shape [B, frames, bins].

        Returns:
            Radians, shape [B, frames, bins].
        """
        batch, frames, bins = magnitude.shape
        nearest, offset = _peaks(magnitude)
        advance = (nearest + offset) * (math.pi * self._hop / (bins - 1))
        phases = torch.zeros_like(magnitude)
        now = torch.zeros(batch, bins) if self._now is None else self._now
        for frame in range(frames):
            now = (now.gather(-1, nearest[:, frame]) + advance[:, frame]) % (2.0 * math.pi)
            phases[:, frame] = now
        self._now = now
        # equal phases at the middle of a frame alternate in sign when counted from its start
        return phases + math.pi * torch.arange(bins)


def _peaks(magnitude: Tensor) -> tuple[Tensor, Tensor]:
    """For every bin the bin of its nearest peak (its own where there is none), and the peak's offset in bins."""
    left, middle, right = magnitude[..., :-2], magnitude[..., 1:-1], magnitude[..., 2:]
    is_peak = functional.pad((middle > left) & (middle >= right), (1, 1))
    parabola = 0.5 * (left - right) / (left - 2.0 * middle + right - 1e-12)
    offset = functional.pad(parabola.clamp(-0.5, 0.5), (1, 1))
    own = torch.arange(magnitude.shape[-1]).expand_as(is_peak)
    below = own.masked_fill(~is_peak, -_FAR).cummax(-1).values
    above = own.masked_fill(~is_peak, _FAR).flip(-1).cummin(-1).values.flip(-1)
    nearest = torch.where(own - below <= above - own, below, above)
    nearest = torch.where(nearest.abs() >= _FAR, own, nearest)
    return nearest, offset.gather(-1, nearest) * is_peak.any(-1, keepdim=True)


def _fold(pieces: Tensor, length: int, size: int, hop: int) -> Tensor:
    return functional.fold(pieces, (1, length), (1, size), stride=(1, hop))[:, 0, 0]
