"""The networks in torch: the reference on CPU, and the way to a GPU."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sonotype.core.types import Fill, Floats, Patchout
from sonotype.models.card import Card
from sonotype.models.frontend.logmel import LogMel
from sonotype.models.nets.build import build_with_weights
from sonotype.models.runtime.base import Precision, RunOutput, output_shapes


def load(card: Card, weights: Path, device: str, precision: Precision, threads: int) -> TorchRuntime:
    """Load a network with its weights; see `runtime.load`."""
    if device == "cpu":
        torch.set_num_threads(threads)
    # autocast moves mean tags by up to 6e-3 (MusiCNN) and 1.7e-2 (VGG), so bf16 has to be asked for by name
    chosen: Literal["fp32", "bf16"] = "fp32" if precision == "auto" else precision
    return TorchRuntime(card, build_with_weights(card, weights), torch.device(device), chosen)


class TorchRuntime:
    """A network and its front ends on one torch device.

    bf16 is autocast: parameters stay in float32, convolutions and matrix products run in bfloat16. The front end
    always runs in float32. Float32 on a GPU is real float32, without TensorFloat-32.

    Args:
        card: the model's card.
        net: the network with its parameters, in evaluation mode.
        device: where to run.
        precision: arithmetic of the network.
    """

    def __init__(self, card: Card, net: nn.Module, device: torch.device, precision: Literal["fp32", "bf16"]) -> None:
        self.card = card
        self.precision: Literal["fp32", "bf16"] = precision
        self.outputs = output_shapes(card)
        self._device = device
        self._net = net.to(device)
        self._frontends = {name: LogMel(spec).to(device) for name, spec in card.mel_frontends.items()}

    def run(
        self,
        windows: Floats,
        valid_frames: NDArray[np.int64],
        fill: Fill,
        frontend: str,
        patchout: Patchout | None = None,
    ) -> RunOutput:
        """Run one batch; see `Runtime.run`."""
        with torch.inference_mode(), _exact_float32():
            begin = time.perf_counter()
            samples = torch.from_numpy(windows).to(self._device)
            valid = torch.from_numpy(valid_frames).to(self._device)
            mel = self._frontends[frontend](samples, valid, fill)
            self._wait()
            middle = time.perf_counter()
            with self._arithmetic():
                outputs: dict[str, Tensor] = self._net(mel)
            arrays = {name: outputs[name].float().cpu().numpy() for name in self.outputs}
            end = time.perf_counter()
        return RunOutput(arrays, {"frontend": middle - begin, "network": end - middle})

    def _arithmetic(self) -> AbstractContextManager[object]:
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self._device.type, dtype=torch.bfloat16)

    def _wait(self) -> None:
        """Let the device finish, so that the two steps are timed apart."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def _exact_float32() -> AbstractContextManager[object]:
    """Keep cuDNN from rounding float32 convolutions to TensorFloat-32, its default."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, allow_tf32=False)
