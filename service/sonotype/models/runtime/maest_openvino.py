"""The blocks of MAEST on CPU through OpenVINO, for any number of tokens: the winner of `bench/maest`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from sonotype.core.types import Floats
from sonotype.models.card import Card
from sonotype.models.frontend.logmel import LogMel
from sonotype.models.nets.build import build_with_weights
from sonotype.models.nets.maest import MAEST
from sonotype.models.runtime.base import Precision
from sonotype.models.runtime.cpu import give_back_freed_memory, keep_freed_memory, resolve_precision
from sonotype.models.runtime.maest_runtime import Blocks, MaestRuntime, in_torch, without_blocks
from sonotype.models.runtime.quiet_openvino import compile_for_cpu, openvino
from sonotype.models.tuning.probe import music

# `auto` takes bf16 only where mean scores of the probe stay this near to float32
LARGEST_DRIFT = 5e-3
_PROBE_S, _PROBES = 5.0, 3


def load(card: Card, weights: Path, device: str, precision: Precision, threads: int) -> MaestRuntime:
    """Load MAEST and compile its blocks; see `runtime.load`.

    Raises:
        ValueError: the device is not the CPU.
    """
    if device != "cpu":
        raise ValueError(f"this runtime serves the CPU, not {device!r}")
    torch.set_num_threads(threads)
    net = cast(MAEST, build_with_weights(card, weights).requires_grad_(False))
    chosen = resolve_precision(precision)
    blocks: Blocks = CompiledBlocks(net, chosen, threads)
    if precision == "auto" and chosen == "bf16" and drift(card, net, blocks) > LARGEST_DRIFT:
        chosen, blocks = "fp32", CompiledBlocks(net, "fp32", threads)
    runtime = MaestRuntime(card, without_blocks(net), blocks, device, chosen)
    # in this order and only now: the copies of the weights that loading made go back to the kernel
    give_back_freed_memory()
    keep_freed_memory()
    return runtime


class CompiledBlocks:
    """The blocks, compiled once for all lengths and patchouts; rows run one after the other.

    Args:
        net: with its blocks; it is not needed afterwards.
        precision: arithmetic; bf16 takes the residual stream with it.
        threads: CPU threads of one call.
    """

    def __init__(self, net: MAEST, precision: Literal["fp32", "bf16"], threads: int) -> None:
        width = net.cls_token.shape[2]
        example = torch.zeros(1, 8, width)
        with warnings.catch_warnings(), torch.no_grad():
            # the tracer notes that it is to be replaced one day
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(Transform(net), example, check_trace=False)  # type: ignore[no-untyped-call]
        model = openvino.convert_model(traced, example_input=example)
        model.reshape({0: openvino.PartialShape([1, -1, width])})
        self._request = compile_for_cpu(model, precision, threads).create_infer_request()
        self._outputs = len(model.outputs)

    def __call__(self, tokens: Tensor) -> tuple[Tensor, ...]:
        """Run the blocks on [B, n, width]; see `MAEST.transform`."""
        rows = [self._row(row[None]) for row in tokens]
        return tuple(torch.cat(parts) for parts in zip(*rows, strict=True))

    def _row(self, tokens: Tensor) -> list[Tensor]:
        self._request.set_input_tensor(openvino.Tensor(tokens.contiguous().numpy(), shared_memory=True))
        self._request.infer()
        # copied, because the next row writes to the same memory
        return [torch.from_numpy(self._request.get_output_tensor(at).data.copy()) for at in range(self._outputs)]


class Transform(nn.Module):
    """The part of the network that is compiled: tokens [B, n, width] to what `MAEST.transform` gives."""

    def __init__(self, net: MAEST) -> None:
        super().__init__()
        self.net = net

    def forward(self, tokens: Tensor) -> tuple[Tensor, ...]:
        """Run the blocks."""
        return self.net.transform(tokens)


def drift(card: Card, net: MAEST, blocks: Blocks) -> float:
    """How far the mean scores of other blocks lie from those of the network's own in float32, the largest of all tags.

    The probe is made, not recorded, and short: scores of whole clips, being means of more patches, lie nearer.
    """
    spec = card.mel_frontends[card.default_frontend]
    with torch.inference_mode():
        mel = LogMel(spec)(torch.from_numpy(np.stack([_probe(seed, spec.sample_rate_hz) for seed in range(_PROBES)])))
        tokens = net.tokens(mel[:, : card.patch.frames])
        scores = [net.outputs(*run(tokens))["tags"].mean(0) for run in (blocks, in_torch(net, "fp32"))]
    return float((scores[0] - scores[1]).abs().max())


def _probe(seed: int, rate_hz: int) -> Floats:
    return music(seed, int(_PROBE_S * rate_hz), rate_hz)
