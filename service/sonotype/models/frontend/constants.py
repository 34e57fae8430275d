"""The fixed arrays of a log-mel front end, in double precision and without torch.

They are computed here rather than with `torchaudio.functional.melscale_fbanks`, which works in float32 and is off by
4e-6 of the peak weight; these equal librosa's filters to float32 rounding, and a worker without torch can use them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sonotype.models.card_parts import FrontendSpec

Doubles = NDArray[np.float64]

# Slaney's Auditory Toolbox (1998): linear up to 1 kHz at 200/3 Hz per mel, then 27 mels per factor of 6.4
_HZ_PER_MEL = 200.0 / 3.0
_KNEE_HZ = 1000.0
_KNEE_MEL = _KNEE_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def hz_to_mel(hz: Doubles) -> Doubles:
    """Map frequencies in Hz to Slaney mels."""
    above = _KNEE_MEL + np.log(np.maximum(hz, _KNEE_HZ) / _KNEE_HZ) / _LOG_STEP
    return np.where(hz < _KNEE_HZ, hz / _HZ_PER_MEL, above)


def mel_to_hz(mel: Doubles) -> Doubles:
    """Map Slaney mels to frequencies in Hz."""
    above = _KNEE_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _KNEE_MEL) - _KNEE_MEL))
    return np.where(mel < _KNEE_MEL, mel * _HZ_PER_MEL, above)


def mel_filters(spec: FrontendSpec) -> Doubles:
    """Triangular filters of unit area on the Slaney scale.

    Returns:
        Weights of shape [n_fft // 2 + 1, n_mels], to be multiplied from the right on a power spectrum.
    """
    lowest, highest = hz_to_mel(np.array([spec.fmin_hz, spec.fmax_hz], dtype=np.float64))
    edges = mel_to_hz(np.linspace(lowest, highest, spec.n_mels + 2))
    bins = np.linspace(0.0, spec.sample_rate_hz / 2, spec.n_fft // 2 + 1)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    area = 2.0 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)) * area, dtype=np.float64)


def hann_window(spec: FrontendSpec) -> Doubles:
    """Hann window of n_fft points: `periodic` as in librosa, `symmetric` as in Essentia."""
    period = spec.n_fft if spec.window == "periodic" else spec.n_fft - 1
    return np.asarray(0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(spec.n_fft) / period), dtype=np.float64)
