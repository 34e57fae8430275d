"""A model without a network: deterministic, fast, and able to misbehave on command.

Every test of the service runs on it in milliseconds and without weights. Options of the card (`[network.options]`):
`delay_ms` per batch, `delay_ms_per_patch`, `seed`, and `triggers`, which lets a single sample of the audio make the
model fail (see `TRIGGERS`).
"""

from __future__ import annotations

import os
import signal
import time
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from sonotype.core.types import Fill, Floats, Patchout
from sonotype.models.card import Card
from sonotype.models.grid import grid_of
from sonotype.models.nets.patchout import kept
from sonotype.models.runtime.base import RunOutput, output_shapes

# sample values that are exact in float32 and in 16-bit PCM, and rare in music
RAISE = 24064 / 32768
DIE = 25088 / 32768
HANG = 26112 / 32768
NAN = 27136 / 32768
TRIGGERS = {"raise": RAISE, "die": DIE, "hang": HANG, "nan": NAN}

_SEGMENTS = 16


class FakeOptions(BaseModel):
    """What a fake card may set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    delay_ms: float = 0.0
    delay_ms_per_patch: float = 0.0
    seed: int = 0
    triggers: bool = False


class FakeRuntime:
    """Loudness of 16 segments of the window, projected by a fixed random matrix.

    It has no frames to fill, but takes a short clip at its own length (`native`). Where its card has presets, the
    segments of columns that are left out count nothing, and the others less by what is left out of the rows.

    Args:
        card: a card of the family `fake`.
    """

    def __init__(self, card: Card) -> None:
        self.card = card
        self.precision: Literal["fp32", "bf16"] = "fp32"
        self.outputs = output_shapes(card)
        self._options = FakeOptions.model_validate(card.network.options)
        random = np.random.default_rng(self._options.seed)
        spread = _SEGMENTS**-0.5
        self._weights = {
            name: random.normal(scale=spread, size=(_SEGMENTS, *shape)) for name, shape in self.outputs.items()
        }

    def run(
        self,
        windows: Floats,
        valid_frames: NDArray[np.int64],
        fill: Fill,
        frontend: str,
        patchout: Patchout | None = None,
    ) -> RunOutput:
        """Run one batch; see `Runtime.run`.

        Raises:
            ValueError: a window holds the sample `RAISE` and the card has triggers.
        """
        begin = time.perf_counter()
        broken = self._triggered(windows)
        heard = self._heard(windows, valid_frames, fill, frontend)
        features = np.stack([_loudness(window) for window in heard]) * self._left(patchout)
        middle = time.perf_counter()
        arrays = {name: self._project(name, features) for name in self.outputs}
        arrays["tags"][broken] = np.nan
        time.sleep((self._options.delay_ms + len(windows) * self._options.delay_ms_per_patch) / 1000)
        end = time.perf_counter()
        return RunOutput(arrays, {"frontend": middle - begin, "network": end - middle})

    def _heard(self, windows: Floats, valid_frames: NDArray[np.int64], fill: Fill, frontend: str) -> list[Floats]:
        if fill != "native":
            return list(windows)
        spec = self.card.frontends[frontend]
        lengths = [spec.window_samples(int(valid)) for valid in valid_frames]
        return [window[:length] for window, length in zip(windows, lengths, strict=True)]

    def _left(self, patchout: Patchout | None) -> NDArray[np.float64]:
        """What stays of each segment, 0…1."""
        grid = grid_of(self.card)
        if grid is None or patchout is None:
            return np.ones(_SEGMENTS)
        stay = kept(grid.rows, grid.columns, patchout)
        columns = np.arange(_SEGMENTS) * grid.columns // _SEGMENTS
        return np.isin(columns, stay.columns) * len(stay.rows) / grid.rows

    def _project(self, name: str, features: NDArray[np.float64]) -> Floats:
        # row by row, so that a row has the same bits alone and in any batch
        rows = np.stack([row @ self._weights[name] for row in features])
        values = 1.0 / (1.0 + np.exp(-rows)) if name == "tags" else rows
        return values.astype(np.float32)

    def _triggered(self, windows: Floats) -> NDArray[np.bool_]:
        """Act on the triggers in a batch and return which rows shall be NaN."""
        if not self._options.triggers:
            return np.zeros(len(windows), dtype=np.bool_)
        if (windows == DIE).any():
            os.kill(os.getpid(), signal.SIGKILL)
        while (windows == HANG).any():
            time.sleep(3600)
        if (windows == RAISE).any():
            raise ValueError("the fake model was told to fail")
        return np.asarray((windows == NAN).any(axis=1))


def _loudness(window: Floats) -> NDArray[np.float64]:
    """Decimal logarithm of the effective value of 16 equal segments, -4…0."""
    segments = np.array_split(window.astype(np.float64), _SEGMENTS)
    power = np.array([np.mean(segment**2) for segment in segments])
    return np.asarray(0.5 * np.log10(power + 1e-8))
