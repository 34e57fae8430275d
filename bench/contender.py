"""A contender: a long-lived process that answers one line per file, and what it and its children cost."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass
class Run:
    """What one file cost: CPU seconds of the whole process tree, wall seconds, and the contender's answer."""

    cpu_s: float
    wall_s: float
    answer: dict[str, Any] = field(repr=False)


class Contender:
    """A process started with `command`; `run` sends it a path and waits for its line of JSON."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        environment = {**os.environ, **_ONE_THREAD}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def run(self, path: Path) -> Run:
        """Let the contender analyse one file.

        Raises:
            RuntimeError: it died.
        """
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018
        cpu, wall = self.cpu_s(), time.perf_counter()
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} died with {self._process.wait()}")
        return Run(self.cpu_s() - cpu, time.perf_counter() - wall, json.loads(line))

    def cpu_s(self) -> float:
        """User and system seconds of the process, its living children and those it has waited for."""
        return sum(_cpu_s(pid) for pid in family(self._process.pid))

    def reset_peak(self) -> None:
        """Forget the peak memory so far."""
        for pid in family(self._process.pid):
            try:
                Path(f"/proc/{pid}/clear_refs").write_text("5")
            except OSError:  # a child that dropped its privileges does not let its peak be reset
                continue

    def peak_mb(self) -> float:
        """Sum of the peak resident memory of the process and its children since `reset_peak`, in MiB."""
        return sum(_peak_kb(pid) for pid in family(self._process.pid)) / 1024

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        text = " ".join((thread / "children").read_text() for thread in threads)
    except OSError:
        return []
    return [pid, *(found for child in text.split() for found in family(int(child)))]


def _cpu_s(pid: int) -> float:
    try:
        values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(value) for value in values[11:15]) * _TICK_S


def _peak_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
