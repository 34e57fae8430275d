"""MAEST on any device: front end, patch embedding and patchout in torch, the blocks wherever they run fastest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sonotype.core.types import Fill, Floats, Patchout
from sonotype.models.card import Card
from sonotype.models.frontend.logmel import LogMel
from sonotype.models.nets.build import build_with_weights
from sonotype.models.nets.maest import MAEST
from sonotype.models.runtime.base import Precision, RunOutput, output_shapes
from sonotype.models.runtime.cpu import give_back_freed_memory, keep_freed_memory

# tokens [B, n, width] to what `MAEST.transform` gives
Blocks = Callable[[Tensor], tuple[Tensor, ...]]

# on a CPU one row at a time stays nearest to the cache; more rows on a GPU are no faster from here on
_ROWS = {"cpu": 1, "cuda": 16}


def load(card: Card, weights: Path, device: str, precision: Precision, threads: int) -> MaestRuntime:
    """Load MAEST in torch: the reference on CPU, and the way to a GPU. See `runtime.load`."""
    torch.set_num_threads(threads)
    net = cast(MAEST, build_with_weights(card, weights).requires_grad_(False)).to(device)
    if device == "cpu":
        give_back_freed_memory()
        keep_freed_memory()
    # bf16 has to be asked for by name, as of every network in torch
    chosen: Literal["fp32", "bf16"] = "fp32" if precision == "auto" else precision
    return MaestRuntime(card, net, in_torch(net, chosen), device, chosen)


def in_torch(net: MAEST, precision: Literal["fp32", "bf16"]) -> Blocks:
    """The blocks of a network as they are; bf16 is autocast."""
    device = net.cls_token.device.type

    def run(tokens: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(device, dtype=torch.bfloat16) if precision == "bf16" else nullcontext():
            return tuple(out.float() for out in net.transform(tokens))

    return run


def without_blocks(net: MAEST) -> MAEST:
    """Let go of the blocks' parameters: whoever compiled them has a copy."""
    net.blocks = nn.ModuleList()
    return net


class MaestRuntime:
    """A MAEST with its front ends. Rows of one length run together, so that a short clip costs what it is worth.

    Args:
        card: the model's card.
        net: the network; its blocks are used only through `blocks`.
        blocks: what runs them.
        device: where the rest of the network lies.
        precision: arithmetic of the blocks; everything else runs in float32.
    """

    def __init__(self, card: Card, net: MAEST, blocks: Blocks, device: str, precision: Literal["fp32", "bf16"]) -> None:
        self.card = card
        self.precision: Literal["fp32", "bf16"] = precision
        self.outputs = output_shapes(card)
        self._net, self._blocks, self._device = net, blocks, torch.device(device)
        self._frontends = {name: LogMel(spec).to(device) for name, spec in card.mel_frontends.items()}

    def run(
        self,
        windows: Floats,
        valid_frames: NDArray[np.int64],
        fill: Fill,
        frontend: str,
        patchout: Patchout | None = None,
    ) -> RunOutput:
        """Run one batch; see `Runtime.run`. With `native` a row is as long as its valid frames, else as a patch."""
        arrays = {name: np.empty((len(windows), *shape), np.float32) for name, shape in self.outputs.items()}
        seconds = {"frontend": 0.0, "network": 0.0}
        spec = self.card.mel_frontends[frontend]
        with torch.inference_mode():
            for rows, frames in self._groups(windows, valid_frames, fill, frontend):
                begin = time.perf_counter()
                samples = torch.from_numpy(windows[rows, : spec.window_samples(frames)]).to(self._device)
                valid = None if fill == "native" else torch.from_numpy(valid_frames[rows])
                mel = self._frontends[frontend](samples, valid, fill)
                self._wait()
                middle = time.perf_counter()
                outputs = self._net.outputs(*self._blocks(self._net.tokens(mel, patchout)))
                for name, target in arrays.items():
                    target[rows] = outputs[name].cpu().numpy()
                seconds["frontend"] += middle - begin
                seconds["network"] += time.perf_counter() - middle
        return RunOutput(arrays, seconds)

    def _groups(
        self, windows: Floats, valid_frames: NDArray[np.int64], fill: Fill, frontend: str
    ) -> Iterator[tuple[NDArray[np.intp], int]]:
        """Rows that run together, and their frames."""
        spec = self.card.mel_frontends[frontend]
        whole = 1 + (windows.shape[1] - spec.n_fft) // spec.hop_length
        lengths = valid_frames if fill == "native" else np.full(len(windows), whole)
        most = _ROWS[self._device.type]
        for frames in np.unique(lengths):
            rows = np.flatnonzero(lengths == frames)
            for first in range(0, len(rows), most):
                yield rows[first : first + most], int(frames)

    def _wait(self) -> None:
        """Let the device finish, so that the two steps are timed apart."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
