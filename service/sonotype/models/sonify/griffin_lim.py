"""Log-mel to samples without a trained network: the algorithm of Griffin & Lim (1984), the same result every time."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torchaudio.functional import griffinlim

from sonotype.models.frontend.logmel import LogMel
from sonotype.models.sonify.mel import linear_power

ITERATIONS = 32
_MOMENTUM = 0.99
_SEED = 0


def griffin_lim(frontend: LogMel, mel: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """Find samples whose spectrogram has the magnitudes of a log-mel spectrogram.

    The phases start at random from a fixed seed: from zero phase the result buzzes at multiples of the frame rate.

    Args:
        frontend: the front end that made the log-mel, see `mel.segment_mel`.
        mel: shape [B, frames, n_mels].
        iterations: of the fast variant with momentum (Perraudin et al. 2013).

    Returns:
        Shape [B, frames * hop_length].
    """
    n_fft, hop = frontend.spec.n_fft, frontend.spec.hop_length
    # the transform below centres frame i on sample i * hop, ours on the middle of hop i
    length, late = mel.shape[1] * hop, hop // 2
    power = functional.pad(linear_power(frontend, mel), (0, 1), mode="replicate")
    settings = {"n_fft": n_fft, "hop_length": hop, "win_length": n_fft, "power": 2.0, "length": None}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        samples = griffinlim(power, frontend.window, **settings, n_iter=iterations, momentum=_MOMENTUM, rand_init=True)
    return functional.pad(samples, (late, 0))[:, :length]
