"""The blocks of MAEST on CPU through ONNX Runtime, for any number of tokens, in float32."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from sonotype.models.card import Card
from sonotype.models.nets.build import build_with_weights
from sonotype.models.nets.maest import MAEST
from sonotype.models.runtime.base import Precision
from sonotype.models.runtime.cpu import give_back_freed_memory, keep_freed_memory
from sonotype.models.runtime.maest_openvino import Transform
from sonotype.models.runtime.maest_runtime import Blocks, MaestRuntime, without_blocks
from sonotype.models.runtime.onnx_session import OnnxModule, onnxruntime

_EXAMPLE_TOKENS = 8


def load(card: Card, weights: Path, device: str, precision: Precision, threads: int) -> MaestRuntime:
    """Load MAEST and compile its blocks; see `runtime.load`. It runs in float32 whatever `precision` says.

    Raises:
        SonotypeError: `invalid_request` where ONNX Runtime is not installed.
    """
    onnxruntime()
    torch.set_num_threads(threads)
    net = cast(MAEST, build_with_weights(card, weights).requires_grad_(False))
    blocks = compiled(net, threads)
    runtime = MaestRuntime(card, without_blocks(net), blocks, device, "fp32")
    give_back_freed_memory()
    keep_freed_memory()
    return runtime


def compiled(net: MAEST, threads: int) -> Blocks:
    """The blocks of a network; rows run one after the other."""
    example = torch.zeros(1, _EXAMPLE_TOKENS, net.cls_token.shape[2])
    module = OnnxModule(Transform(net), (example,), threads, {0: {1: "tokens"}})

    def run(tokens: Tensor) -> tuple[Tensor, ...]:
        rows = [module(row[None]) for row in tokens]
        return tuple(torch.cat(parts) for parts in zip(*rows, strict=True))

    return run
