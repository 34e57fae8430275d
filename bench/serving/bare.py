"""The bare pass: decode a file in memory, resample, cut, run. No server, no processes, no limits, no cache."""

from __future__ import annotations

import io

import numpy as np
import soundfile
import soxr

from sonotype.core.settings import Settings
from sonotype.models.patches import Patcher
from sonotype.models.registry import Registry
from sonotype.models.runtime import load

_BATCH = 16


class _Forwards(soundfile.SoundFile):
    """Without the seek that soundfile does after a read; for MP3 it would restart the decoder."""

    def seekable(self) -> bool:
        return False


class Bare:
    """One runtime with one thread, the same precision and engine that a worker of the service takes."""

    def __init__(self, model: str) -> None:
        registry = Registry([], Settings().weights_dir)
        self._card = registry.get(model)
        self.runtime = load(self._card, registry.weights_path(self._card), "cpu", "auto", threads=1)

    def run(self, audio: bytes) -> list[float]:
        """Mean tags of a file."""
        frontend = self._card.frontends[self._card.default_frontend]
        with _Forwards(io.BytesIO(audio)) as file:
            samples, rate = file.read(file.frames, dtype="float32", always_2d=True), file.samplerate
        mono = soxr.resample(samples.mean(axis=1), rate, frontend.sample_rate_hz)
        patcher = Patcher(frontend, self._card.patch)
        windows = patcher.feed(mono.astype(np.float32, copy=False)) + patcher.finish()
        total = np.zeros(len(self._card.labels))
        for start in range(0, len(windows), _BATCH):
            batch = windows[start : start + _BATCH]
            valid = np.array([window.valid_frames for window in batch], dtype=np.int64)
            stacked = np.stack([window.samples for window in batch])
            out = self.runtime.run(stacked, valid, batch[0].fill, self._card.default_frontend)
            total += out.arrays["tags"].sum(axis=0)
        return [float(value) for value in total / len(windows)]
