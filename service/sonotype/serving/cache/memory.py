"""The tier in this process: least recently used values within a budget of bytes."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from sonotype.serving.cache.store import count_lookup

DEFAULT_BYTES = 64 * 2**20
_OVERHEAD_BYTES = 256  # entry, key and bookkeeping, roughly


class MemoryStore:
    """Values in a dictionary, newest use last. For one event loop; locks are always granted.

    Args:
        max_bytes: what keys and values may take together.
        clock: seconds, monotonic.
    """

    def __init__(self, max_bytes: int = DEFAULT_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._bytes = 0

    @property
    def size_bytes(self) -> int:
        """Bytes held now, bookkeeping included."""
        return self._bytes

    async def get(self, key: str) -> bytes | None:
        """The value, if it is here and alive; it then counts as just used."""
        entry = self._entries.get(key)
        if entry is None or entry[1] <= self._clock():
            self._drop(key)
            count_lookup("memory", "miss")
            return None
        self._entries.move_to_end(key)
        count_lookup("memory", "hit")
        return entry[0]

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep the value unless it would take more than a quarter of the budget by itself."""
        self._drop(key)
        if _cost(key, value) > self._max_bytes // 4:
            return
        self._entries[key] = (value, self._clock() + ttl_s)
        self._bytes += _cost(key, value)
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    async def try_lock(self, key: str, ttl_s: float) -> bool:
        """Always granted: within one process the single flight has already chosen a leader."""
        return True

    async def unlock(self, key: str) -> None:
        """Nothing to give back."""

    async def ping(self) -> bool:
        """Always there."""
        return True

    async def aclose(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._bytes = 0

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= _cost(key, entry[0])


def _cost(key: str, value: bytes) -> int:
    return len(key) + len(value) + _OVERHEAD_BYTES
