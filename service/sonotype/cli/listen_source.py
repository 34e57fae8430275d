"""Where `sonotype listen` gets its bytes from, and how fast it takes them."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sonotype.api.listen_params import ListenParams
from sonotype.core.errors import Code, SonotypeError

_CHUNK_BYTES = 8192
_SAMPLE_BYTES = {"pcm_s16le": 2, "pcm_f32le": 4}
_LOOK_S = 0.02


@contextmanager
def open_input(source: str) -> Iterator[IO[bytes]]:
    """A file, or standard input for `-`. Raises `invalid_request` where it cannot be read."""
    if source == "-":
        # unbuffered: a buffer has a lock, which a reader that waits for ever would hold until the end
        with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as file:
            yield file
        return
    try:
        opened = Path(source).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise SonotypeError(Code.INVALID_REQUEST, f"{source} cannot be read: {error.strerror}.") from None
    with opened:
        yield opened


async def chunks_of(file: IO[bytes], stop: asyncio.Event) -> AsyncIterator[bytes]:
    """Yield what comes, as it comes, until the end or `stop`.

    A thread reads, one that nobody waits for at the end: standard input may never say anything again.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue(1)

    def read() -> None:
        take = getattr(file, "read1", file.read)
        with suppress(RuntimeError, ValueError, OSError):  # the loop, or the file, is closed
            while True:
                chunk = take(_CHUNK_BYTES)
                asyncio.run_coroutine_threadsafe(queue.put(chunk), loop).result()
                if not chunk:
                    return

    threading.Thread(target=read, name="listen-input", daemon=True).start()
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while True:
            coming = asyncio.ensure_future(queue.get())
            await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done() or not coming.result():
                coming.cancel()
                return
            yield coming.result()
    finally:
        stopping.cancel()


class Pace:
    """Holds a file back to real time.

    Raw samples are counted; of a coded stream the answers say how far it is.

    Args:
        params: of the session.
        enabled: otherwise nothing is held back.
    """

    def __init__(self, params: ListenParams, *, enabled: bool) -> None:
        self.heard_s = 0.0
        self._enabled = enabled
        self._sent_s = 0.0
        self._began: float | None = None
        width = _SAMPLE_BYTES.get(params.format)
        self._bytes_per_s = None if width is None else width * params.channels * (params.sample_rate_hz or 0)

    def heard(self, time_s: float) -> None:
        """An answer about the audio up to `time_s` has come."""
        self.heard_s = time_s

    async def wait(self, n_bytes: int, stop: asyncio.Event) -> None:
        """Wait until it is time for what follows the `n_bytes` that were just sent."""
        loop = asyncio.get_running_loop()
        self._began = loop.time() if self._began is None else self._began
        if self._bytes_per_s:
            self._sent_s += n_bytes / self._bytes_per_s
        while self._enabled and not stop.is_set():
            there_s = self._sent_s if self._bytes_per_s else self.heard_s
            if there_s <= loop.time() - self._began:
                return
            await asyncio.sleep(_LOOK_S)
