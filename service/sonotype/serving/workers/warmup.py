"""The first runs of a model: they pay for lazy initialisation, prove that it works and measure its speed."""

from __future__ import annotations

import time

import numpy as np

from sonotype.models.card import AnyFrontend
from sonotype.models.runtime import Runtime

_ROWS_RUN = 2  # the first run at a shape compiles and allocates, the second is measured


def measure(runtime: Runtime, max_rows: int) -> float:
    """Run every front end at batch 1 and `max_rows`; returns seconds of audio per second of the default one.

    Raises:
        ValueError: the model answers silence with something that is not finite.
    """
    rates = [_frontend(runtime, name, spec, max_rows) for name, spec in runtime.card.frontends.items()]
    return rates[0]


def _frontend(runtime: Runtime, name: str, spec: AnyFrontend, max_rows: int) -> float:
    frames = runtime.card.patch.frames
    samples = spec.window_samples(frames)
    took_s = 1.0
    for rows in sorted({1, max_rows}):
        # quiet noise rather than zeros: denormals and log(0) shortcuts would flatter the measurement
        windows = np.random.default_rng(0).normal(scale=0.01, size=(rows, samples)).astype(np.float32)
        valid = np.full(rows, frames, dtype=np.int64)
        for _ in range(_ROWS_RUN):
            began = time.perf_counter()
            output = runtime.run(windows, valid, "repeat", name)
            took_s = time.perf_counter() - began
        if not all(np.isfinite(array).all() for array in output.arrays.values()):
            raise ValueError(f"{runtime.card.address} answers noise with numbers that are not finite")
    return max_rows * frames * spec.hop_length / spec.sample_rate_hz / max(took_s, 1e-9)
