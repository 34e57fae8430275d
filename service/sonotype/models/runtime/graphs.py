"""The graphs that a compiled CPU engine runs: one patch at a time, shapes fixed.

One patch keeps the intermediates in the cache of one core, and a batch gains nothing on a CPU. Fixed shapes make the
engine's plans, and the memory of a worker, independent of the load.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

from sonotype.models.card import Card
from sonotype.models.nets.build import build_with_weights
from sonotype.models.nets.musicnn import MusiCNN
from sonotype.models.nets.musicnn_fast import OUTPUTS, FastMusiCNN

# measured: float32 intermediates of a quarter of a patch stay in a second-level cache of 1 MiB, bf16 ones of a half
_CHUNKS = {"fp32": 5, "bf16": 2}


@dataclass(frozen=True, slots=True)
class Graph:
    """A network split into what runs in torch (float32) and what an engine compiles.

    Attributes:
        prepare: maps one log-mel patch [frames, n_mels] to the first inputs of `module`.
        module: the network to compile; returns a tuple in the order of `outputs`.
        constants: the remaining inputs of `module`, the same in each call.
        outputs: names of the module's outputs.
    """

    prepare: Callable[[Tensor], tuple[Tensor, ...]]
    module: nn.Module
    constants: tuple[Tensor, ...]
    outputs: tuple[str, ...]


def build_graph(card: Card, weights: Path, precision: Literal["fp32", "bf16"]) -> Graph:
    """Build the fast graph of a card's network.

    Raises:
        SonotypeError: WEIGHTS_MISSING or WEIGHTS_CORRUPT.
    """
    net = build_with_weights(card, weights).requires_grad_(False)
    if isinstance(net, MusiCNN):
        bf16 = precision == "bf16"
        fast = FastMusiCNN(net, card.patch.frames, chunks=_CHUNKS[precision], bf16=bf16).eval()
        return Graph(fast.prepare, fast, fast.bases, OUTPUTS)
    return Graph(lambda mel: (mel[None],), _Ordered(net, ("tags", "flatten")).eval(), (), ("tags", "flatten"))


class _Ordered(nn.Module):
    """A network whose outputs are a tuple instead of a dict."""

    def __init__(self, net: nn.Module, outputs: tuple[str, ...]) -> None:
        super().__init__()
        self.net, self._outputs = net, outputs

    def forward(self, mel: Tensor) -> tuple[Tensor, ...]:
        out = self.net(mel)
        return tuple(out[name] for name in self._outputs)
