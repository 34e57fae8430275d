"""The first runs of a model: they pay for lazy initialisation, prove that it works and measure its speed."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from sonotype.models.card_parts import AnyFrontend
from sonotype.models.runtime import Runtime

_TURNS = 2  # the first run at a shape compiles and allocates, the second is measured
# a row that takes longer is measured alone: a batch of such rows takes as long as all of them, and proves no more
_EXPENSIVE_S = 0.25


def measure(runtime: Runtime, max_rows: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Run every front end; returns seconds of audio per second of the default one.

    A cheap model runs at batch 1 and at `max_rows`, an expensive one only at batch 1, its further front ends once.

    Args:
        runtime: the model.
        max_rows: its largest batch.
        clock: seconds.

    Raises:
        ValueError: the model answers noise with something that is not finite.
    """
    (default, spec), *others = runtime.card.frontends.items()
    row_s = _timed(runtime, default, spec, 1, turns=_TURNS, clock=clock)
    expensive = row_s > _EXPENSIVE_S
    rows = 1 if expensive else max_rows
    took_s = row_s if rows == 1 else _timed(runtime, default, spec, rows, turns=_TURNS, clock=clock)
    for name, other in others:
        _timed(runtime, name, other, 1, turns=1 if expensive else _TURNS, clock=clock)
        if rows > 1:
            _timed(runtime, name, other, rows, turns=_TURNS, clock=clock)
    return rows * runtime.card.patch.frames * spec.hop_length / spec.sample_rate_hz / max(took_s, 1e-9)


def _timed(
    runtime: Runtime, name: str, spec: AnyFrontend, rows: int, *, turns: int, clock: Callable[[], float]
) -> float:
    """Seconds of the last of some runs of a batch."""
    frames = runtime.card.patch.frames
    # quiet noise rather than zeros: denormals and log(0) shortcuts would flatter the measurement
    shape = (rows, spec.window_samples(frames))
    windows = np.random.default_rng(0).normal(scale=0.01, size=shape).astype(np.float32)
    valid = np.full(rows, frames, dtype=np.int64)
    took_s = 0.0
    for _ in range(turns):
        began = clock()
        output = runtime.run(windows, valid, "repeat", name)
        took_s = clock() - began
    if not all(np.isfinite(array).all() for array in output.arrays.values()):
        raise ValueError(f"{runtime.card.address} answers noise with numbers that are not finite")
    return took_s
