"""Taking in an upload: bytes are counted and hashed while they arrive, and a sender that stalls is let go."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Upload
from sonotype.plane.port import ByteBudget
from sonotype.telemetry import metrics

T = TypeVar("T")

# Below this many bytes per idle limit an upload counts as stalled: one byte a second is not progress.
MIN_PROGRESS_BYTES = 1024


class Collector:
    """Gathers the bytes of one upload.

    Args:
        limit_bytes: the largest upload.
        budget: counts the bytes of all uploads held at once.
    """

    def __init__(self, limit_bytes: int, budget: ByteBudget) -> None:
        self._limit_bytes = limit_bytes
        self._budget = budget
        self._chunks: list[bytes] = []
        self._hash = hashlib.sha256()
        self._started_s = time.perf_counter()
        self._hash_s = 0.0
        self.n_bytes = 0

    def expect(self, n_bytes: int) -> None:
        """Refuse at once an upload that says it is too large. Raises `upload_too_large`."""
        if n_bytes > self._limit_bytes:
            raise too_large(self._limit_bytes)

    def add(self, chunk: bytes) -> None:
        """Keep a chunk. Raises `upload_too_large` or `overloaded` before it is kept."""
        self.n_bytes += len(chunk)
        self.expect(self.n_bytes)
        self._budget.add(len(chunk))
        started_s = time.perf_counter()
        self._hash.update(chunk)
        self._hash_s += time.perf_counter() - started_s
        self._chunks.append(chunk)

    def finish(self) -> tuple[Upload, dict[str, float]]:
        """The upload, and the seconds spent receiving and hashing it."""
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks = []
        seconds = {"receive": time.perf_counter() - self._started_s - self._hash_s, "hash": self._hash_s}
        for phase, value in seconds.items():
            metrics.PHASE_SECONDS.labels(phase).observe(value)
        return Upload(data, self._hash.hexdigest()), seconds


class Pace:
    """A deadline that moves on only while an upload makes progress.

    Args:
        idle_s: within this time at least `MIN_PROGRESS_BYTES` must arrive, or the rest of the upload.
    """

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._deadline = asyncio.get_running_loop().time() + idle_s
        self._since_mark = 0

    async def wait(self, receive: Callable[[], Awaitable[T]]) -> T:
        """Await the next message. Raises `upload_timeout`."""
        try:
            async with asyncio.timeout_at(self._deadline):
                return await receive()
        except TimeoutError:
            detail = f"Fewer than {MIN_PROGRESS_BYTES} bytes arrived in {self._idle_s:g} s."
            raise SonotypeError(Code.UPLOAD_TIMEOUT, detail) from None

    def progress(self, n_bytes: int) -> None:
        """Count bytes that arrived."""
        self._since_mark += n_bytes
        if self._since_mark >= MIN_PROGRESS_BYTES:
            self._since_mark = 0
            self._deadline = asyncio.get_running_loop().time() + self._idle_s


def too_large(limit_bytes: int, what: str = "Uploads") -> SonotypeError:
    """The error for an upload over the limit."""
    return SonotypeError(Code.UPLOAD_TOO_LARGE, f"{what} may have at most {limit_bytes} bytes.")
