"""Log-mel to samples in one pass: a network corrects the magnitudes and phases that mathematics alone would guess.

The network is that of Vocos (Siuzdak 2023, arXiv:2306.00814, section 3): ConvNeXt blocks at frame rate, then an inverse
STFT. Two things differ. It does not invent magnitude and phase, it corrects those of `griffin_lim.first_guess`: a
convolution cannot make phases that run on through a steady tone, and magnitudes that are nearly right at the start
save most of the training. And it sees how far the log-mel of that guess is from the one asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from sonotype.models.frontend.logmel import LogMel
from sonotype.models.sonify.griffin_lim import FirstGuess, blocks, first_guess, refine
from sonotype.models.sonify.mel import segment_mel
from sonotype.models.sonify.options import FlowMelOptions
from sonotype.models.sonify.spectra import overlap_add, reach

# a correction beyond e^3, 26 dB, is none
_MAX_CORRECTION = 3.0


class Vocoder(nn.Module):
    """Log-mel frames to `hop_length` samples each.

    Args:
        options: sizes, and the mel front end.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, options: FlowMelOptions) -> None:
        super().__init__()
        spec = options.vocoder
        self.iterations = spec.iterations
        self.frontend = LogMel(options.mel)
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("scale", torch.ones(1))
        self.inlet = nn.Conv1d(2 * options.mel.n_mels, spec.width, spec.kernel, padding=spec.kernel // 2)
        self.norm = nn.LayerNorm(spec.width, eps=1e-6)
        self.blocks = nn.ModuleList(_Block(spec.width, spec.hidden, spec.kernel) for _ in range(spec.depth))
        self.last_norm = nn.LayerNorm(spec.width, eps=1e-6)
        self.outlet = nn.Linear(spec.width, options.mel.n_fft + 2)
        # at first nothing is corrected
        nn.init.zeros_(self.outlet.weight)
        nn.init.zeros_(self.outlet.bias)
        network = (spec.kernel // 2) * (1 + spec.depth)
        # guess, its samples, their log-mel, the network, its samples
        self.context = network + (3 + spec.iterations) * reach(options.mel.n_fft, options.mel.hop_length)

    def forward(self, mel: Tensor) -> Tensor:
        """Map log-mel [B, frames, n_mels] to samples [B, frames * hop]."""
        return self.correct(mel, self.guess(mel))

    @torch.no_grad()
    def guess(self, mel: Tensor) -> Tensor:
        """The spectra to start from, complex, shape [B, frames, n_fft // 2 + 1]."""
        return first_guess(self.frontend, mel)

    def correct(self, mel: Tensor, guess: Tensor) -> Tensor:
        """Samples [B, frames * hop] from log-mel and its guess; they depend on `context` frames to each side."""
        window, hop = self.frontend.window, self.frontend.spec.hop_length
        with torch.no_grad():
            guess = refine(guess, window, hop, self.iterations)
            missed = mel - segment_mel(self.frontend, overlap_add(guess, window, hop))
        louder, later = self._network(torch.cat(((mel - self.mean) / self.scale, missed), dim=-1)).chunk(2, dim=-1)
        magnitude = guess.abs() * louder.clamp(-_MAX_CORRECTION, _MAX_CORRECTION).exp()
        return overlap_add(torch.polar(magnitude, guess.angle() + later), window, hop)

    def stream(self, mel: Tensor, block_frames: int) -> Iterator[Tensor]:
        """Make the samples of one segment [1, frames, n_mels] in blocks; together they equal `forward`."""
        guess = FirstGuess(self.frontend, mel)

        def make(first: int, last: int) -> Tensor:
            return self.correct(mel[:, first:last], guess.until(last)[:, first:])[0]

        return blocks(make, mel.shape[1], block_frames, self.context, self.frontend.spec.hop_length)

    def _network(self, features: Tensor) -> Tensor:
        h = self.norm(self.inlet(features.transpose(1, 2)).transpose(1, 2))
        for block in self.blocks:
            h = block(h)
        corrections: Tensor = self.outlet(self.last_norm(h))
        return corrections.float()


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
