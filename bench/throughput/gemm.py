"""The GEMM rate of one core through the engine that serves, and what the network needs of it."""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

_SIZES = (512, 1024, 2048)
_REPEATS = 9

# multiplications and additions of one 187-frame MusiCNN patch, in units of 1e9
PLAIN_GFLOP = 2.797  # the network as published
FAST_GFLOP = 1.152  # the same function as `nets.musicnn_fast` computes it


def peak_gflops(precision: str) -> float:
    """Best median rate over some sizes of square products with a constant matrix, one thread."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino  # noqa: PLC0415
    from openvino import opset13  # noqa: PLC0415

    best = 0.0
    for size in _SIZES:
        data = opset13.parameter([size, size], np.float32)
        weights = opset13.constant(np.random.default_rng(0).normal(size=(size, size)).astype(np.float32))
        # a second product: OpenVINO leaves the last one of a graph in float32
        product = opset13.matmul(opset13.matmul(data, weights, False, False), weights, False, False)
        options = {
            "INFERENCE_NUM_THREADS": 1,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        }
        request = (
            openvino.Core().compile_model(openvino.Model([product], [data]), "CPU", options).create_infer_request()
        )
        best = max(best, 2 * 2 * size**3 / _seconds(request, size) / 1e9)
    return best


def _seconds(request: object, size: int) -> float:
    values = np.random.default_rng(1).normal(size=(size, size)).astype(np.float32)
    times = []
    for _ in range(_REPEATS):
        begin = time.process_time()
        request.infer([values], share_inputs=True)  # type: ignore[attr-defined]
        times.append(time.process_time() - begin)
    return statistics.median(times[2:])
