"""Audio that kills workers: remembered by content and model, and refused for a day."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from sonotype.telemetry import metrics

_TTL_S = 24 * 3600.0
_MOST_KEYS = 10_000
_STRIKES = 2


class KeptBytes(Protocol):
    """The part of a cache store that a quarantine needs to outlive the process."""

    async def get(self, key: str) -> bytes | None:
        """The value under `key`, or None."""

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep `value` for about `ttl_s` seconds."""


class Quarantine:
    """What is quarantined, here and, with a store, in every gateway that shares it.

    Args:
        store: where to keep it beyond this process; optional.
        ttl_s: how long a quarantine lasts.
        clock: seconds.
    """

    def __init__(
        self,
        store: KeptBytes | None = None,
        *,
        ttl_s: float = _TTL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._ttl_s = ttl_s
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()
        self._strikes: OrderedDict[str, int] = OrderedDict()
        self._unsaved: list[str] = []

    async def holds(self, sha256: str, model: str) -> bool:
        """Whether this audio is quarantined for this model."""
        key = _key(sha256, model)
        if self._until.get(key, 0.0) > self._clock():
            return True
        return self._store is not None and await self._store.get(key) is not None

    def strike(self, sha256: str, model: str) -> bool:
        """It hung a worker while it ran alone; the second time it is quarantined. Returns whether it is now."""
        key = _key(sha256, model)
        self._strikes[key] = self._strikes.pop(key, 0) + 1
        _trim(self._strikes)
        if self._strikes[key] < _STRIKES:
            return False
        self.add(sha256, model)
        return True

    def add(self, sha256: str, model: str) -> None:
        """Quarantine it; call `save` soon after."""
        key = _key(sha256, model)
        self._strikes.pop(key, None)
        self._until.pop(key, None)
        self._until[key] = self._clock() + self._ttl_s
        _trim(self._until)
        self._unsaved.append(key)
        metrics.QUARANTINED.inc()

    async def save(self) -> None:
        """Write new entries to the store."""
        unsaved, self._unsaved = self._unsaved, []
        if self._store is not None:
            for key in unsaved:
                await self._store.put(key, b"1", self._ttl_s)


def _key(sha256: str, model: str) -> str:
    return f"v1:quarantine:{model}:{sha256}"


def _trim(entries: OrderedDict[str, float] | OrderedDict[str, int]) -> None:
    while len(entries) > _MOST_KEYS:
        entries.popitem(last=False)
