"""Log-mel to samples in one pass: ConvNeXt blocks at frame rate, then an inverse STFT.

The architecture is that of Vocos (Siuzdak 2023, arXiv:2306.00814, section 3). Nothing in it looks further than a fixed
number of frames, so a segment can be made block by block with the same result.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from sonotype.models.sonify.options import FlowMelOptions

# e^6 is far above any bin of audio within full scale that a network should need to ask for
_MAX_LOG_MAGNITUDE = 6.0


class Vocoder(nn.Module):
    """Log-mel frames to `hop_length` samples each.

    Args:
        options: sizes, and the mel front end.
    """

    mean: Tensor
    scale: Tensor
    window: Tensor

    def __init__(self, options: FlowMelOptions) -> None:
        super().__init__()
        spec = options.vocoder
        self.n_fft, self.hop = options.mel.n_fft, options.mel.hop_length
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("scale", torch.ones(1))
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)
        self.inlet = nn.Conv1d(options.mel.n_mels, spec.width, spec.kernel, padding=spec.kernel // 2)
        self.norm = nn.LayerNorm(spec.width, eps=1e-6)
        self.blocks = nn.ModuleList(_Block(spec.width, spec.hidden, spec.kernel) for _ in range(spec.depth))
        self.last_norm = nn.LayerNorm(spec.width, eps=1e-6)
        self.outlet = nn.Linear(spec.width, self.n_fft + 2)
        # frames to each side that a frame of the spectrum depends on
        self.context = (spec.kernel // 2) * (1 + spec.depth)

    def forward(self, mel: Tensor) -> Tensor:
        """Map log-mel [B, frames, n_mels] to samples [B, frames * hop]."""
        return overlap_add(self.spectrum(mel), self.window, self.hop)

    def spectrum(self, mel: Tensor) -> Tensor:
        """Map log-mel [B, frames, n_mels] to complex spectra [B, frames, n_fft // 2 + 1]."""
        h = self.inlet(((mel - self.mean) / self.scale).transpose(1, 2)).transpose(1, 2)
        h = self.norm(h)
        for block in self.blocks:
            h = block(h)
        log_magnitude, phase = self.outlet(self.last_norm(h)).float().chunk(2, dim=-1)
        return torch.polar(log_magnitude.clamp(max=_MAX_LOG_MAGNITUDE).exp(), phase)

    def stream(self, mel: Tensor, block_frames: int) -> Iterator[Tensor]:
        """Make the samples of one segment in blocks; together they equal `forward` but for float rounding.

        Args:
            mel: shape [1, frames, n_mels].
            block_frames: frames of a block.

        Yields:
            Shape [block_frames * hop]; the last may be shorter.
        """
        # frames on each side whose windows reach into a block
        reach = -(-(self.n_fft - self.hop) // (2 * self.hop))
        total = mel.shape[1]
        for start in range(0, total, block_frames):
            end = min(start + block_frames, total)
            first, last = max(0, start - reach), min(total, end + reach)
            left, right = max(0, first - self.context), min(total, last + self.context)
            spectra = self.spectrum(mel[:, left:right])[:, first - left : last - left]
            samples = overlap_add(spectra, self.window, self.hop)[0]
            yield samples[(start - first) * self.hop : (end - first) * self.hop]


class _Block(nn.Module):
    """ConvNeXt (Liu et al. 2022, arXiv:2201.03545) in one dimension, with layer scale."""

    def __init__(self, width: int, hidden: int, kernel: int) -> None:
        super().__init__()
        self.mix_time = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.mix_channels = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.gain = nn.Parameter(torch.full((width,), 0.125))

    def forward(self, h: Tensor) -> Tensor:
        mixed = self.mix_time(h.transpose(1, 2)).transpose(1, 2)
        updated: Tensor = h + self.gain * self.mix_channels(self.norm(mixed))
        return updated


def overlap_add(spectra: Tensor, window: Tensor, hop: int) -> Tensor:
    """Inverse STFT for frames centred on the middle of their hop (see `mel.segment_mel`).

    Args:
        spectra: complex, shape [B, frames, n_fft // 2 + 1].
        window: of analysis and synthesis, shape [n_fft].
        hop: samples from frame to frame.

    Returns:
        Shape [B, frames * hop].
    """
    count, size = spectra.shape[1], len(window)
    pieces = torch.fft.irfft(spectra, n=size) * window
    length = (count - 1) * hop + size
    total = _fold(pieces.transpose(1, 2), length, size, hop)
    weight = _fold(window.square()[None, :, None].expand(1, size, count), length, size, hop)
    margin = (size - hop) // 2
    inside = slice(margin, margin + count * hop)
    return total[:, inside] / weight[:, inside].clamp(min=1e-8)


def _fold(pieces: Tensor, length: int, size: int, hop: int) -> Tensor:
    return functional.fold(pieces, (1, length), (1, size), stride=(1, hop))[:, 0, 0]
