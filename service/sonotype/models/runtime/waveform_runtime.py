"""Networks that take samples: each patch at its true length, in float32 on any torch device."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sonotype.core.types import Fill, Floats, Patchout
from sonotype.models.card import Card
from sonotype.models.nets.build import build_with_weights
from sonotype.models.runtime.base import Precision, RunOutput, output_shapes


def load(card: Card, weights: Path, device: str, precision: Precision, threads: int) -> WaveformRuntime:
    """Load a network with its weights; see `runtime.load`. It runs in float32 whatever `precision` says."""
    if device == "cpu":
        torch.set_num_threads(threads)
    return WaveformRuntime(card, build_with_weights(card, weights), torch.device(device))


class WaveformRuntime:
    """A network on waveforms.

    A patch that the clip does not fill is either tiled (`repeat`) or given to the network as short as it is (`pad`):
    zeros behind it would be one more sound to a network that attends to all of a patch.

    Args:
        card: the model's card.
        net: samples [B, n] to outputs by name, in evaluation mode.
        device: where to run.
    """

    def __init__(self, card: Card, net: nn.Module, device: torch.device) -> None:
        self.card = card
        self.precision: Literal["fp32", "bf16"] = "fp32"
        self.outputs = output_shapes(card)
        self._device = device
        self._net = net.to(device)

    def run(
        self,
        windows: Floats,
        valid_frames: NDArray[np.int64],
        fill: Fill,
        frontend: str,
        patchout: Patchout | None = None,
    ) -> RunOutput:
        """Run one batch; see `Runtime.run`. Rows of one length run together."""
        begin = time.perf_counter()
        lengths = np.full_like(valid_frames, windows.shape[1]) if fill == "repeat" else valid_frames
        arrays = {name: np.empty((len(windows), *shape), np.float32) for name, shape in self.outputs.items()}
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            samples = np.stack([_tiled(windows[row], int(valid_frames[row]))[:length] for row in rows])
            self._network(samples, rows, arrays)
        return RunOutput(arrays, {"frontend": 0.0, "network": time.perf_counter() - begin})

    def _network(self, samples: Floats, rows: NDArray[np.intp], arrays: dict[str, Floats]) -> None:
        exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, allow_tf32=False)
        with torch.inference_mode(), exact:
            outputs = self._net(torch.from_numpy(samples).to(self._device))
            for name, target in arrays.items():
                target[rows] = outputs[name].float().cpu().numpy()


def _tiled(window: Floats, valid: int) -> Floats:
    """The valid samples, repeated to the length of the window."""
    return window if valid == len(window) else np.resize(window[:valid], len(window))
