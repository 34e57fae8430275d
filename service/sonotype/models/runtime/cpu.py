"""What the CPU can do, and how the allocator should treat large tensors."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Literal

from sonotype.models.runtime.base import Precision

_NATIVE_BF16 = {"avx512_bf16", "amx_bf16"}
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEEP_BYTES = 64 * 2**20


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Instruction set flags of the first core; empty where the kernel does not tell."""
    try:
        text = cpuinfo.read_text(encoding="ascii", errors="replace")
    except OSError:
        return frozenset()
    lines = (line for line in text.splitlines() if line.startswith("flags"))
    return frozenset(next(lines, "").partition(":")[2].split())


def resolve_precision(precision: Precision, flags: frozenset[str] | None = None) -> Literal["fp32", "bf16"]:
    """Turn `auto` into bf16 where the CPU multiplies bf16 natively; elsewhere it would be emulated and slower.

    Engines must not be asked instead: OpenVINO also lists bf16 on CPUs that emulate it.
    """
    if precision != "auto":
        return precision
    return "bf16" if _NATIVE_BF16 & (cpu_flags() if flags is None else flags) else "fp32"


def keep_freed_memory() -> None:
    """Make glibc keep freed tensors of up to 64 MiB instead of giving them back to the kernel at every call.

    Without this each pass faults its intermediate pages in again, which can cost more than the arithmetic.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        mallopt(_M_MMAP_THRESHOLD, _KEEP_BYTES)
        mallopt(_M_TRIM_THRESHOLD, 2 * _KEEP_BYTES)


def give_back_freed_memory() -> None:
    """Give what loading has freed back to the kernel, where the C library is glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
