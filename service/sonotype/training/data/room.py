"""Put a phrase into a room: tuning, tone, reverberation, noise and level, all small and all random."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

Samples = npt.NDArray[np.float32]
Random = np.random.Generator
_DRY = 0.3


def detune(random: Random, samples: Samples, rate_hz: int, cents: float = 22.0) -> Samples:
    """Play a little faster or slower, at most `cents` sharp or flat: no two instruments are tuned alike."""
    factor = 2 ** (random.uniform(-cents, cents) / 1200)
    tuned: Samples = soxr.resample(samples, rate_hz * factor, rate_hz).astype(np.float32)
    return tuned


def place(random: Random, samples: Samples, rate_hz: int) -> Samples:
    """Colour, reverberate, add noise and set the level.

    Args:
        random: the only source of chance.
        samples: mono [n].
        rate_hz: sampling rate.

    Returns:
        [n] with a peak between -12 and -1 dB of full scale; silence stays silence.
    """
    size = 1 << (len(samples) + 2 * rate_hz - 1).bit_length()
    spectrum = np.fft.rfft(samples, size)
    frequencies = np.fft.rfftfreq(size, 1 / rate_hz)
    spectrum = spectrum * _tone(random, frequencies)
    if random.random() >= _DRY:
        spectrum = spectrum * np.fft.rfft(_impulse_response(random, rate_hz), size)
    out = np.fft.irfft(spectrum, size)[: len(samples)]
    peak = float(np.abs(out).max(initial=0.0))
    if peak == 0:
        return out.astype(np.float32)
    out = out / peak + _noise(random, len(out))
    level = 10 ** (random.uniform(-12, -1) / 20)
    scaled: Samples = (out * (level / np.abs(out).max())).astype(np.float32)
    return scaled


def _tone(random: Random, frequencies: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """A tilt around 1 kHz, one broad bump or dip, and no rumble."""
    octaves = np.log2(np.maximum(frequencies, 20) / 1000)
    centre, depth = random.uniform(-3, 3), random.uniform(-4, 4)
    db = random.uniform(-1.2, 1.2) * octaves + depth * np.exp(-((octaves - centre) ** 2))
    gain: npt.NDArray[np.float64] = 10 ** (db / 20) * (frequencies > 20)
    return gain


def _impulse_response(random: Random, rate_hz: int) -> npt.NDArray[np.float64]:
    """The direct sound, a few early reflections, and noise that dies away, its treble sooner."""
    seconds = float(np.exp(random.uniform(np.log(0.15), np.log(1.6))))
    times = np.arange(int(min(1.9, 1.1 * seconds) * rate_hz)) / rate_hz
    noise = random.standard_normal(len(times))
    dull = np.convolve(noise, np.ones(8) / 8, mode="same") * 2.8
    tail = dull * np.exp(-6.9 * times / seconds) + noise * np.exp(-6.9 * times / (seconds * random.uniform(0.25, 0.7)))
    start = int(random.uniform(0.004, 0.03) * rate_hz)
    tail[:start] = 0
    for at in random.uniform(0.003, 0.05, size=5):
        tail[min(len(tail) - 1, int(at * rate_hz))] += random.normal(0, 4)
    tail *= random.uniform(0.08, 0.5) / np.sqrt(np.sum(tail**2))
    tail[0] += 1
    return tail


def _noise(random: Random, count: int) -> npt.NDArray[np.float64]:
    """White and darker noise, 45 to 75 dB below the peak."""
    level = 10 ** (random.uniform(-75, -45) / 20)
    white = random.standard_normal(count)
    if random.random() < 0.5:
        white = np.convolve(white, np.ones(6) / 2.45, mode="same")
    return level * white
