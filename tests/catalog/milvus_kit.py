"""A real milvus-lite as a process of its own, for the tests of a module; every test has collections of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_NUMBERS = itertools.count()
_START_S = 60.0


class LiteServer:
    """A milvus-lite on a port.

    Args:
        folder: of its data.
        port: to listen on, and again after a restart.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        where = ["--data-dir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
        command = [sys.executable, "-m", "milvus_lite", "server", *where]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        self._wait(port)

    def kill(self) -> None:
        """Kill -9."""
        self._process.kill()
        self._process.wait()

    def _wait(self, port: int) -> None:
        end = time.monotonic() + _START_S
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError("milvus-lite does not start")


def need_milvus() -> None:
    """Skip a test where the engine is not installed."""
    pytest.importorskip("pymilvus", reason="pymilvus is not installed (extra `milvus`)")
    pytest.importorskip("milvus_lite", reason="milvus-lite is not installed (extra `test`)")


@pytest.fixture(scope="module")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the server."""
    need_milvus()
    server = LiteServer(tmp_path_factory.mktemp("milvus"), free_port())
    yield server.url
    server.kill()


@pytest.fixture
def fresh(milvus: str) -> Callable[[], str]:
    """Makes URLs of empty catalogues."""
    return lambda: f"{milvus}?prefix=t{next(_NUMBERS)}"


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
