"""The other end of `child`: start it, give orders, kill it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


class Process:
    """An engine that runs somewhere else."""

    def __init__(self, name: str, folder: Path, nice: int = 0) -> None:
        self.name = name
        self._log = (folder / f"{name}.log").open("a")
        self._process = subprocess.Popen(
            ["nice", "-n", str(nice), sys.executable, "-m", "bench.catalog.child", name, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def send(self, do: str, **arguments: Any) -> None:
        """Give an order and do not wait."""
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Give an order and wait for the answer.

        Raises:
            RuntimeError: it died; its log says why.
        """
        self.send(do, **arguments)
        line = self.line()
        if not line:
            raise RuntimeError(f"{self.name} died with {self._process.wait()} at {do}; see {self._log.name}")
        return dict(json.loads(line))

    def line(self) -> str:
        """What it says next; empty once it is dead."""
        assert self._process.stdout is not None  # noqa: S101
        return self._process.stdout.readline()

    def finish(self) -> None:
        """End in good order."""
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.close()
        self._process.wait()

    def strike(self) -> None:
        """`kill -9`, whatever it is doing."""
        self._process.kill()

    def kill(self) -> None:
        """`kill -9`, and wait."""
        self.strike()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                stream.close()
