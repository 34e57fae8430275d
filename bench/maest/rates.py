"""The rate of one core at square products, through each library that a contender computes with."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import torch
from torch import nn

from bench.throughput.gemm import peak_gflops

_SIZES = (1024, 2048)
_REPEATS = 7


def measure() -> dict[str, float]:
    """GFLOP/s by library and arithmetic, the best of some sizes; CPU time of one thread."""
    return {
        "torch fp32, MKL": _best(_plain(torch.float32)),
        "torch fp32, oneDNN": _best(_prepacked),
        "torch bf16, oneDNN": _best(_plain(torch.bfloat16)),
        "openvino fp32": peak_gflops("fp32"),
        "openvino bf16": peak_gflops("bf16"),
    }


def _best(make: Callable[[int], Callable[[], object]]) -> float:
    with torch.inference_mode():
        return max(2 * size**3 / _seconds(make(size)) / 1e9 for size in _SIZES)


def _plain(dtype: torch.dtype) -> Callable[[int], Callable[[], object]]:
    def make(size: int) -> Callable[[], object]:
        left, right = (torch.randn(size, size).to(dtype) for _ in range(2))
        return lambda: left @ right

    return make


def _prepacked(size: int) -> Callable[[], object]:
    from torch.utils import mkldnn  # noqa: PLC0415 - its import warns that torch.jit is deprecated

    layer = mkldnn.to_mkldnn(nn.Linear(size, size).eval())  # type: ignore[no-untyped-call]
    values = torch.randn(size, size).to_mkldnn()
    return lambda: layer(values)


def _seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_REPEATS):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return median(times[2:])
