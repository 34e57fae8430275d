"""Sound that is like music, made and not recorded: the same on every machine, and free of anybody's rights."""

from __future__ import annotations

import numpy as np

from sonotype.core.types import Floats

_RINGS_S = 1.5  # until a tone has decayed to 1e-4


def music(seed: int, samples: int, rate_hz: int) -> Floats:
    """Decaying harmonic tones on a beat, and noise between them.

    Args:
        seed: another number, another piece.
        samples: its length.
        rate_hz: samples per second.

    Returns:
        Mono audio in about -1…1, shape [samples].
    """
    random = np.random.default_rng(seed)
    sound = 0.02 * random.standard_normal(samples)
    age = np.arange(int(_RINGS_S * rate_hz)) / rate_hz
    decay = np.exp(-6.0 * age)
    for first in range(0, samples, rate_hz // 4):
        pitch = 110.0 * 2 ** (random.integers(36) / 12)
        tone = sum(np.sin(2 * np.pi * pitch * partial * age) / partial for partial in range(1, 9)) * decay
        sound[first : first + len(age)] += 0.1 * tone[: samples - first]
    return sound.astype(np.float32)


def piece(seed: int, samples: int, rate_hz: int) -> Floats:
    """A piece of one of four characters, so that a network's scores differ: beat, soft, loud with drums, held chord."""
    random = np.random.default_rng(1000 + seed)
    time = np.arange(samples) / rate_hz
    sound = music(seed, samples, rate_hz).astype(np.float64)
    character = seed % 4
    if character == 1:
        sound *= 0.05
    elif character == 2:
        beat = np.exp(-30.0 * (time % 0.5))
        sound = np.tanh(4.0 * sound + 0.8 * beat * random.standard_normal(samples))
    elif character == 3:
        root = 55.0 * 2 ** (random.integers(24) / 12)
        chord = (root * 2 ** (step / 12) for step in (0, 4, 7, 12))
        sound = 0.2 * sound + 0.1 * sum(np.sin(2 * np.pi * hz * time + np.sin(5.0 * time)) for hz in chord)
    return np.asarray(sound, dtype=np.float32)
