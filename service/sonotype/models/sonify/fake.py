"""A decoder without weights: a tone whose pitch depends on the embedding. For tests and for trying the service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sonotype.core.types import Floats
from sonotype.models.card import PrototypeCard
from sonotype.models.card_parts import DecoderSpec
from sonotype.models.sonify.base import checked

_BLOCK = 8192


def load(folder: Path, card: PrototypeCard, threads: int = 1) -> FakeSonifier:
    """Make the decoder; nothing is read."""
    assert card.decoder is not None, "base.load checks this"  # noqa: S101
    return FakeSonifier(card.decoder)


class FakeSonifier:
    """Deterministic; `delay_ms` of the decoder's options is slept before every block."""

    def __init__(self, spec: DecoderSpec) -> None:
        self.sample_rate_hz = spec.sample_rate_hz
        self.segment_samples = spec.segment_samples
        self.dim = spec.dim
        self._delay_s = float(spec.options.get("delay_ms", 0)) / 1000

    def stream(
        self, embedding: Floats, *, seed: int, steps: int | None = None, guidance: float | None = None
    ) -> Iterator[Floats]:
        """Yield a tone; see `Sonifier.stream`."""
        vector = checked(embedding, self.dim)
        pitch_hz = 220.0 + 440.0 * abs(float(np.tanh(vector.mean()))) + seed % 7
        for start in range(0, self.segment_samples, _BLOCK):
            time.sleep(self._delay_s)
            at = np.arange(start, min(start + _BLOCK, self.segment_samples)) / self.sample_rate_hz
            yield (0.3 * np.sin(2 * np.pi * pitch_hz * at)).astype(np.float32)
