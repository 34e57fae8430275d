"""What kind of failure an exception of a runtime is: of the batch, of memory, or of the device for good."""

from __future__ import annotations

import re
import sys
from enum import StrEnum

_OOM = re.compile(r"out of memory|can't allocate memory|cannot allocate memory|bad_alloc|ALLOC_FAILED", re.IGNORECASE)
# after any of these every later call of the process fails too
_STICKY = re.compile(
    r"CUDA error|device-side assert|illegal memory access|uncorrectable ECC|CUDNN_STATUS_(EXECUTION|INTERNAL)"
    r"|CUBLAS_STATUS_(EXECUTION|INTERNAL)|unspecified launch failure",
    re.IGNORECASE,
)


class Failure(StrEnum):
    """How the gateway reacts: split the batch, make batches smaller, or replace the process."""

    ERROR = "error"
    OOM = "oom"
    STICKY = "sticky"


def classify(error: BaseException) -> Failure:
    """Tell the kinds apart by type and text; torch raises most of them as RuntimeError."""
    name, text = type(error).__name__, str(error)
    if isinstance(error, MemoryError) or name == "OutOfMemoryError" or _OOM.search(text):
        return Failure.OOM
    if name == "AcceleratorError" or _STICKY.search(text):
        return Failure.STICKY
    return Failure.ERROR


def empty_device_cache() -> None:
    """Give cached GPU memory back after an out-of-memory error, where torch is in use at all."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
