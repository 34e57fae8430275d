"""What the machine offers and which workers that makes. Asks the operating system, never torch."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError

# rows of one batch: on a CPU core larger batches gain nothing and cost latency; a GPU needs many to be busy
_CPU_ROWS = 8
_CUDA_ROWS = 64
_SMI_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Device:
    """Where one worker runs: `name` is `cpu` or `cuda:N`, `rows` the batch it likes."""

    name: str
    rows: int


def parse_devices(setting: str) -> tuple[Device, ...]:
    """One device per worker from `auto`, `cpu`, `cpu:N` or `cuda:0,cuda:1`.

    `auto` is one worker per GPU, or one per usable CPU core where there is no GPU; `cpu` is the latter.

    Raises:
        SonotypeError: INVALID_REQUEST for anything else.
    """
    text = setting.strip().lower()
    if text == "auto" and (gpus := gpu_names()):
        return tuple(_cuda(index) for index in range(len(gpus)))
    if text in {"auto", "cpu"}:
        return (Device("cpu", _CPU_ROWS),) * cpu_count()
    if match := re.fullmatch(r"cpu:([1-9]\d{0,3})", text):
        return (Device("cpu", _CPU_ROWS),) * int(match[1])
    names = text.split(",")
    if all(re.fullmatch(r"cuda(:\d{1,3})?", name.strip()) for name in names):
        return tuple(_cuda(int(name.partition(":")[2] or 0)) for name in names)
    raise SonotypeError(
        Code.INVALID_REQUEST, f"devices must be auto, cpu, cpu:N or cuda:0,cuda:1, not {setting[:40]!r}"
    )


def cpu_count() -> int:
    """Cores this process may use: affinity, cut by a container's CPU quota."""
    cores = len(os.sched_getaffinity(0))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else max(1, min(cores, round(int(quota) / int(period))))


@functools.cache
def gpu_names() -> tuple[str, ...]:
    """Names of the NVIDIA GPUs this process may use, in CUDA's order of visibility."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = tuple(re.findall(r"^GPU \d+: (.*?)(?: \(UUID.*)?$", _smi("-L"), re.MULTILINE))
    if visible is None or not names:
        return names
    wanted = [item.strip() for item in visible.split(",") if item.strip() not in {"", "-1"}]
    by_index = [names[int(item)] if item.isdigit() and int(item) < len(names) else names[0] for item in wanted]
    return tuple(by_index)


def _smi(*arguments: str) -> str:
    """Output of nvidia-smi, empty where there is no usable driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program with fixed arguments
            [program, *arguments], capture_output=True, text=True, timeout=_SMI_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _cuda(index: int) -> Device:
    return Device(f"cuda:{index}", _CUDA_ROWS)
