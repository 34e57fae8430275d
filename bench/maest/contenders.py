"""What is timed: the published package and our ways to run the same network, with the same random weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from bench.maest import oracle as published
from bench.maest.cards import make_card
from sonotype.core.types import Floats, Patchout
from sonotype.models.nets.maest import MAEST
from sonotype.models.runtime.maest_openvino import CompiledBlocks
from sonotype.models.runtime.maest_runtime import Blocks, MaestRuntime, in_torch

PEER = "maest-infer"
QUALITIES = {"full": Patchout(), "balanced": Patchout(time_every=2), "fast": Patchout(time_every=4)}
Outputs = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to run the network.

    Attributes:
        run: log-mel [1, frames, 96] and a patchout to `logits`, `last` and `block{n}`.
        rate: whose rate of `rates` bounds it.
        blocks: how ours runs its blocks; None for the published package, where every token goes through all of them.
    """

    run: Callable[[Tensor, Patchout], Outputs]
    rate: str
    blocks: Blocks | None = None


def make(oracle: nn.Module, ours: MAEST) -> dict[str, Contender]:
    """All contenders with the weights of a pair."""
    compiled = {precision: CompiledBlocks(ours, precision, 1) for precision in ("fp32", "bf16")}
    return {
        PEER: Contender(lambda mel, patchout: _ask(oracle, mel, patchout), "torch fp32, MKL"),
        "torch fp32": _ours(ours, in_torch(ours, "fp32"), "torch fp32, MKL"),
        "torch bf16": _ours(ours, in_torch(ours, "bf16"), "torch bf16, oneDNN"),
        "openvino fp32": _ours(ours, compiled["fp32"], "openvino fp32"),
        "openvino bf16": _ours(ours, compiled["bf16"], "openvino bf16"),
    }


def waveforms(
    seconds: int, oracle: nn.Module, ours: MAEST, found: Mapping[str, Contender]
) -> dict[str, Callable[[], object]]:
    """The way from samples to scores, whole: the package's own, and ours as a worker runs it."""
    published.leave_out(oracle, 0, None)
    labels = [str(number) for number in range(published.LABELS[seconds])]
    card = make_card("maest", labels, {"columns": published.COLUMNS[seconds]})
    samples = np.random.default_rng(0).normal(0.0, 0.1, 16000 * seconds).astype(np.float32)
    spec = card.mel_frontends[card.default_frontend]
    window: Floats = np.zeros((1, spec.window_samples(card.patch.frames)), np.float32)
    window[0, spec.lead : spec.lead + len(samples)] = samples
    runs: dict[str, Callable[[], object]] = {PEER: lambda: oracle(torch.from_numpy(samples))}
    for name, contender in found.items():
        if contender.blocks is not None:
            precision: Literal["fp32", "bf16"] = "bf16" if name.endswith("bf16") else "fp32"
            runtime = MaestRuntime(card, ours, contender.blocks, "cpu", precision)
            runs[name] = _whole(runtime, window, card.patch.frames)
    return runs


def _whole(runtime: MaestRuntime, window: Floats, frames: int) -> Callable[[], object]:
    return lambda: runtime.run(window, np.array([frames]), "native", runtime.card.default_frontend)


def _ask(oracle: nn.Module, mel: Tensor, patchout: Patchout) -> Outputs:
    published.leave_out(oracle, mel.shape[1], patchout)
    logits, last = oracle(published.normalised(mel), melspectrogram_input=True)
    return {"logits": logits, "last": last}


def _ours(net: MAEST, blocks: Blocks, rate: str) -> Contender:
    def run(mel: Tensor, patchout: Patchout) -> Outputs:
        outputs = net.outputs(*blocks(net.tokens(mel, patchout)))
        return {"logits": net.head(outputs["last"]), **outputs}

    return Contender(run, rate, blocks)
