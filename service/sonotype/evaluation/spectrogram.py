"""Small pictures of sounds, for people who listen with their eyes."""

from __future__ import annotations

import io
import itertools

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sonotype.core.types import Floats

HEIGHT, WIDTH = 112, 224
LOWEST_HZ = 60.0
RANGE_DB = 70.0
_N_FFT = 1024
_QUALITY = 70
# from silence to loud: night, violet, red, sand, white (our own choice; lightness rises steadily)
_COLOURS = np.array([[8, 8, 24], [72, 24, 112], [192, 48, 80], [248, 164, 88], [255, 250, 232]], dtype=np.float64)


def spectrogram(samples: Floats, rate_hz: int) -> NDArray[np.float64]:
    """Power in dB below the loudest point, on a logarithmic frequency axis.

    Args:
        samples: mono, shape [n].
        rate_hz: of the samples.

    Returns:
        Shape [HEIGHT, WIDTH], from -RANGE_DB to 0; the first row is the highest frequency.
    """
    padded = np.pad(samples.astype(np.float64), (_N_FFT // 2, _N_FFT))
    starts = np.linspace(0, len(samples), WIDTH, endpoint=False).astype(int)
    frames = np.stack([padded[start : start + _N_FFT] for start in starts]) * np.hanning(_N_FFT)
    power = np.abs(np.fft.rfft(frames)) ** 2
    edges = np.geomspace(LOWEST_HZ, rate_hz / 2, HEIGHT + 1) * _N_FFT / rate_hz
    rows = [_band(power, low, high) for low, high in itertools.pairwise(edges)]
    image = np.stack(rows[::-1])
    if image.max() <= 0:
        return np.full((HEIGHT, WIDTH), -RANGE_DB)
    return np.asarray(np.clip(10 * np.log10(image / image.max() + 1e-12), -RANGE_DB, 0.0))


def picture(samples: Floats, rate_hz: int) -> bytes:
    """The spectrogram as a WebP file of a few kilobytes."""
    level = 1.0 + spectrogram(samples, rate_hz) / RANGE_DB
    stops = np.linspace(0.0, 1.0, len(_COLOURS))
    pixels = np.stack([np.interp(level, stops, channel) for channel in _COLOURS.T], axis=-1)
    file = io.BytesIO()
    Image.fromarray(np.round(pixels).astype(np.uint8)).save(file, "WEBP", quality=_QUALITY, method=6)
    return file.getvalue()


def _band(power: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Mean power between two places of the spectrum; between bins where the band is narrower than one."""
    first, last = int(np.ceil(low)), int(np.ceil(high))
    if last > first:
        return np.asarray(power[:, first:last].mean(axis=1))
    place = (low + high) / 2
    below = min(int(place), power.shape[1] - 2)
    return np.asarray(power[:, below] + (place - below) * (power[:, below + 1] - power[:, below]))
