"""What the compiled engines share: log-mel front ends in torch, then one patch of the network after the other."""

from __future__ import annotations

import time
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from sonotype.core.types import Fill, Floats, Patchout
from sonotype.models.card import Card
from sonotype.models.frontend.logmel import LogMel
from sonotype.models.runtime.base import RunOutput, output_shapes

# bounds the memory of a large batch; more rows at once are no faster
_FRONTEND_ROWS = 8


class RowRuntime:
    """A compiled network of one patch, with its front ends.

    Args:
        card: the model's card.
        precision: arithmetic of the compiled part.
    """

    def __init__(self, card: Card, precision: Literal["fp32", "bf16"]) -> None:
        self.card = card
        self.precision: Literal["fp32", "bf16"] = precision
        self.outputs = output_shapes(card)
        self._frontends = {name: LogMel(spec) for name, spec in card.mel_frontends.items()}

    def run(
        self,
        windows: Floats,
        valid_frames: NDArray[np.int64],
        fill: Fill,
        frontend: str,
        patchout: Patchout | None = None,
    ) -> RunOutput:
        """Run one batch; see `Runtime.run`."""
        arrays = {name: np.empty((len(windows), *shape), np.float32) for name, shape in self.outputs.items()}
        seconds = {"frontend": 0.0, "network": 0.0}
        for first in range(0, len(windows), _FRONTEND_ROWS):
            rows = slice(first, first + _FRONTEND_ROWS)
            begin = time.perf_counter()
            with torch.inference_mode():
                mels = self._frontends[frontend](
                    torch.from_numpy(windows[rows]), torch.from_numpy(valid_frames[rows]), fill
                )
            middle = time.perf_counter()
            for row, mel in enumerate(mels, start=first):
                self._network(mel, row, arrays)
            seconds["frontend"] += middle - begin
            seconds["network"] += time.perf_counter() - middle
        return RunOutput(arrays, seconds)

    def _silence(self) -> torch.Tensor:
        """Frames of a whole patch [T, F] to compile for."""
        return torch.zeros(self.card.patch.frames, next(iter(self.card.mel_frontends.values())).n_mels)

    def _network(self, mel: torch.Tensor, row: int, arrays: dict[str, Floats]) -> None:
        """Write what the network makes of the frames [T, F] of a patch into `row` of the arrays."""
        raise NotImplementedError
