"""The parent's side of a child that sends samples: start it, talk to it, end it, and say what ended it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sonotype
from sonotype.audio import wire

_ROOT = Path(sonotype.__file__).resolve().parents[1]
_BARE = {"PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
START_TIMEOUT_S = 60.0


class ChildLostError(Exception):
    """The child ended or spoke nonsense in the middle of a job."""


@dataclass(frozen=True, slots=True)
class Program:
    """What a child runs: `python FLAGS -m MODULE SOCKET_FD PARENT_PID ARGUMENTS`.

    Attributes:
        module: speaks `wire` on its socket and says READY first.
        arguments: further arguments.
        environment: all of its environment.
        flags: of the interpreter.
        logs: its standard error is ours.
    """

    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    flags: tuple[str, ...] = ()
    logs: bool = False


def decoder_program(memory_bytes: int) -> Program:
    """The decode child: it inherits nothing and says nothing."""
    return Program("sonotype.audio.child", (str(memory_bytes),), _BARE, ("-P", "-s"))


class Child:
    """A running child. One user at a time.

    Args:
        process: the started process.
        sock: our end of its socket, non-blocking.
    """

    def __init__(self, process: subprocess.Popen[bytes], sock: socket.socket) -> None:
        self.jobs = 0
        self._process = process
        self._sock = sock
        self._mid_message = False

    @classmethod
    async def start(cls, program: Program) -> Child:
        """Start a child and wait until it is ready.

        Must run in a thread that lives as long as the child: the kernel ends the child with the thread that made it.

        Raises:
            ChildLostError: it did not come up within a minute.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        # Room for a chunk: the child then works on while the parent is busy, and the parent wakes less often.
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        number = theirs.fileno()
        with theirs:
            command = [sys.executable, *program.flags, "-m", program.module]
            process = subprocess.Popen(  # noqa: ASYNC220, S603 - returns after exec; a fixed command, numbers only
                [*command, str(number), str(os.getpid()), *program.arguments],
                pass_fds=(number,),
                env=program.environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None if program.logs else subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C in the terminal is for the parent, which drains
            )
        child = cls(process, ours)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                kind, _ = await child.receive()
        except BaseException as error:
            await child.end()
            if isinstance(error, TimeoutError):
                raise ChildLostError from error
            raise
        if kind != wire.READY:
            await child.end()
            raise ChildLostError
        return child

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def usable(self) -> bool:
        """Whether it lives and no message was cut off on either side."""
        return not self._mid_message and self._process.poll() is None

    async def send(self, *parts: bytes | memoryview) -> None:
        """Send an order and what belongs to it.

        Raises:
            ChildLostError: the child is gone.
        """
        loop = asyncio.get_running_loop()
        self._mid_message = True
        try:
            for part in parts:
                await loop.sock_sendall(self._sock, part)
        except OSError as error:
            raise ChildLostError from error
        self._mid_message = False

    async def receive(self) -> tuple[bytes, bytearray]:
        """Receive one record.

        Returns:
            Its kind and its payload.

        Raises:
            ChildLostError: the child is gone or breaks the protocol.
        """
        self._mid_message = True
        head = bytearray(wire.RECORD.size)
        await self._fill(memoryview(head))
        kind, size = wire.RECORD.unpack(head)
        if size > wire.MAX_RECORD_BYTES or (kind == wire.SAMPLES and size % 4):
            raise ChildLostError
        payload = bytearray(size)
        await self._fill(memoryview(payload))
        self._mid_message = False
        return kind, payload

    async def _fill(self, view: memoryview) -> None:
        loop = asyncio.get_running_loop()
        while view:
            try:
                count = await loop.sock_recv_into(self._sock, view)
            except OSError as error:
                raise ChildLostError from error
            if count == 0:
                raise ChildLostError
            view = view[count:]

    async def end(self) -> int:
        """Kill the child if it still runs, and reap it.

        Returns:
            Its exit status, negative for a signal; that of its own death if it died before.
        """
        self._sock.close()
        self._process.kill()
        return await asyncio.to_thread(self._process.wait)


def limit_of(status: int) -> str:
    """Name what ended a child that we did not end: a value of the label `limit`."""
    if status == -signal.SIGXCPU:
        return "cpu"
    # Nobody else kills decode children: the kernel does it when memory runs out.
    return "memory" if status == -signal.SIGKILL else "crash"
