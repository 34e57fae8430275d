"""OpenVINO without its telemetry: import it from here and from nowhere else.

Nothing is reported to anybody. The `openvino` distribution depends on `openvino-telemetry`, which the model converter
would use; this module makes that package unimportable in its process before OpenVINO is imported, so that OpenVINO
falls back to its own stub. No file is written and no socket opened.
"""

from __future__ import annotations

import sys
from typing import Any, Literal

# None makes `import openvino_telemetry` raise ImportError, for which OpenVINO has a stub that does nothing
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

import openvino  # noqa: E402  (after the line above, which it must not precede)

__all__ = ["compile_for_cpu", "openvino"]


def compile_for_cpu(model: Any, precision: Literal["fp32", "bf16"], threads: int) -> Any:
    """Compile an OpenVINO model for calls of one at a time on so many threads of the CPU."""
    options = {
        "INFERENCE_NUM_THREADS": threads,
        # with pinning on, the threads of two workers land on the same core
        "ENABLE_CPU_PINNING": False,
        "PERFORMANCE_HINT": "LATENCY",
        # stated always: left alone, OpenVINO takes bf16 on CPUs that have it
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
    }
    return openvino.Core().compile_model(model, "CPU", options)
