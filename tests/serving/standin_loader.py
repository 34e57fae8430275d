"""A loader for worker processes in tests: the fake model on a device that runs out of memory or breaks for good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sonotype.models.card import Card
from sonotype.models.runtime.base import RunOutput
from sonotype.models.runtime.fake import FakeRuntime

MOST_ROWS = 32
STICKY = 0.859375


class SmallDevice(FakeRuntime):
    def run(self, windows: Any, valid_frames: Any, fill: Any, frontend: str, patchout: Any = None) -> RunOutput:
        if len(windows) > MOST_ROWS and np.abs(windows).max() > 0.2:  # not the quiet warm-up
            raise MemoryError
        if (windows == STICKY).any():
            raise RuntimeError("CUDA error: device-side assert triggered")
        return super().run(windows, valid_frames, fill, frontend, patchout)


def load(card: Card, weights: Path | None, device: str, precision: str, threads: int) -> SmallDevice:
    assert (weights, device, precision, threads) == (None, "cpu", "auto", 1)
    return SmallDevice(card)


def load_slowly(card: Card, weights: Path | None, device: str, precision: str, threads: int) -> SmallDevice:
    import time  # noqa: PLC0415

    time.sleep(30)
    return SmallDevice(card)


def load_nothing(card: Card, weights: Path | None, device: str, precision: str, threads: int) -> SmallDevice:
    raise ValueError("no such weights")
