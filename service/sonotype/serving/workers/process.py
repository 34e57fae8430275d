"""One child process of the gateway: its start, its channel and its end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import cast

from sonotype.serving.workers.wire import Message, Unpacker, pack

_log = logging.getLogger(__name__)
_REAP_POLL_S = 0.005

# One thread per worker: the workers themselves are the parallelism, and more threads than cores cost throughput.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
}
_SECRETS = ("SONOTYPE_API_KEYS", "SONOTYPE_REDIS_URL")


class ChildProcess(asyncio.Protocol):
    """A worker's process as seen from the event loop; single use.

    Args:
        on_message: called for every message, in order.
        on_lost: called once when the channel closes, which is when the process has died or is about to.
    """

    def __init__(self, on_message: Callable[[Message], None], on_lost: Callable[[], None]) -> None:
        self._on_message = on_message
        self._on_lost = on_lost
        self._unpacker = Unpacker()
        self._transport: asyncio.Transport | None = None
        self._process: subprocess.Popen[bytes] | None = None

    async def spawn(self, slab_fd: int, environment: Mapping[str, str]) -> None:
        """Start the process and connect to it.

        Raises:
            OSError: the system cannot start one more process.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = _popen(theirs.fileno(), slab_fd, environment)
            except OSError:
                ours.close()
                raise
        ours.setblocking(False)
        await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=ours)

    @property
    def pid(self) -> int:
        """Process id; 0 before the start."""
        return self._process.pid if self._process is not None else 0

    def send(self, message: Message) -> None:
        """Queue one message; lost without an error if the process is gone, `on_lost` tells."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(pack(message))

    def kill(self) -> None:
        """End the process at once."""
        self._signal(signal.SIGKILL)

    async def end(self, grace_s: float) -> None:
        """Ask the process to end, then insist; returns when it is reaped."""
        if self._transport is not None:
            self._transport.close()
        self._signal(signal.SIGTERM)
        await self.reap(grace_s)

    async def reap(self, grace_s: float = 0.0) -> int:
        """Wait for the end of the process, killing it after `grace_s`; returns its exit code (-signal)."""
        if self._process is None:
            return 0
        loop = asyncio.get_running_loop()
        kill_at = loop.time() + grace_s
        while (code := self._process.poll()) is None:
            if loop.time() >= kill_at:
                self._signal(signal.SIGKILL)
            await asyncio.sleep(_REAP_POLL_S)
        return code

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Part of `asyncio.Protocol`."""
        try:
            for message in self._unpacker.feed(data):
                self._on_message(message)
        except (ValueError, LookupError):
            _log.exception("worker %d sent something that is no message; it is replaced", self.pid)
            self.kill()

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of `asyncio.Protocol`."""
        self._on_lost()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """What a child process may inherit of an environment."""
    return {key: value for key, value in environment.items() if key.upper() not in _SECRETS}


def _popen(sock_fd: int, slab_fd: int, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Spawn from the calling thread: the kernel ties the child's life to the thread that made it."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "sonotype.serving.workers.child", str(sock_fd), str(slab_fd), str(os.getpid())],
        pass_fds=(sock_fd, slab_fd),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**without_secrets(os.environ), **_ENVIRONMENT, **environment},
        start_new_session=True,  # a Ctrl-C in the terminal reaches the gateway only
    )
