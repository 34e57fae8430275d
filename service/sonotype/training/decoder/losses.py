"""How far samples are from other samples, to the ear rather than to the ruler: spectrograms at several resolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sonotype.models.frontend.logmel import LogMel
from sonotype.models.sonify.mel import segment_mel
from sonotype.models.sonify.options import FlowMelOptions

_RESOLUTIONS = (256, 512, 1024, 2048)
_FLOOR = 1e-3


class SpectralLoss(nn.Module):
    """Spectral convergence and log magnitude (Yamamoto et al. 2020, arXiv:1910.11480, equations 4-6), and log-mel.

    Args:
        options: give the mel front end; a second one with half its window sharpens onsets.
        mel_weight: weight of the log-mel terms.
    """

    def __init__(self, options: FlowMelOptions, mel_weight: float = 2.0) -> None:
        super().__init__()
        short = options.mel.model_copy(update={"n_fft": options.mel.n_fft // 2})
        self.mels = nn.ModuleList((LogMel(options.mel), LogMel(short)))
        self._mel_weight = mel_weight

    def forward(self, made: Tensor, real: Tensor) -> Tensor:
        """Distance of samples [B, n] from samples [B, n]; a scalar."""
        total = torch.zeros(())
        for size in _RESOLUTIONS:
            total = total + _distance(_magnitude(made, size), _magnitude(real, size)) / len(_RESOLUTIONS)
        for mel in self.mels:
            assert isinstance(mel, LogMel)  # noqa: S101
            total = total + self._mel_weight * (segment_mel(mel, made) - segment_mel(mel, real)).abs().mean()
        return total


def _magnitude(samples: Tensor, size: int) -> Tensor:
    window = torch.hann_window(size, device=samples.device)
    spectrum = torch.stft(samples, size, size // 4, window=window, return_complex=True)
    # the gradient of a square root at zero is infinite
    return (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt()


def _distance(made: Tensor, real: Tensor) -> Tensor:
    convergence = (real - made).square().sum((1, 2)).sqrt() / (real.square().sum((1, 2)).sqrt() + _FLOOR)
    return convergence.mean() + ((made + _FLOOR).log() - (real + _FLOOR).log()).abs().mean()
