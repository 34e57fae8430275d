"""Bytes of uploads held in memory at once, so that many large uploads cannot take the process down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sonotype.core.errors import Code, SonotypeError


class UploadBytes:
    """Bytes of one upload while it arrives (`plane.port.ByteBudget`)."""

    def __init__(self, ledger: ByteLedger) -> None:
        self._ledger = ledger
        self.n_bytes = 0

    def add(self, n_bytes: int) -> None:
        """Count `n_bytes` more. Raises `upload_too_large` or `overloaded`."""
        if self.n_bytes + n_bytes > self._ledger.max_upload_bytes:
            limit = self._ledger.max_upload_bytes
            raise SonotypeError(Code.UPLOAD_TOO_LARGE, f"An upload may have at most {limit} bytes.")
        self._ledger.take(n_bytes)
        self.n_bytes += n_bytes


class ByteLedger:
    """All uploads together.

    Args:
        max_upload_bytes: limit of one upload.
        max_inflight_bytes: limit of all of them.
    """

    def __init__(self, max_upload_bytes: int, max_inflight_bytes: int) -> None:
        self.max_upload_bytes = max_upload_bytes
        self._free = max_inflight_bytes

    def take(self, n_bytes: int) -> None:
        """Count bytes in. Raises `overloaded` when the process holds too many."""
        if n_bytes > self._free:
            raise SonotypeError(Code.OVERLOADED, "Too many uploads are arriving at once.", retry_after_s=1.0)
        self._free -= n_bytes

    @contextmanager
    def reserve(self) -> Iterator[UploadBytes]:
        """Count the bytes of one upload and give them back at the end, whatever happens."""
        budget = UploadBytes(self)
        try:
            yield budget
        finally:
            self._free += budget.n_bytes
