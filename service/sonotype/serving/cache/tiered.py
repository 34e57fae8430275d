"""The store that the service uses: this process's memory before a shared store, and writes behind the request."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from sonotype.serving.cache.memory import MemoryStore
from sonotype.serving.cache.store import CacheStore, jittered

_PROMOTED_S = 3600.0  # a value found in the shared store may live this long here, whatever is left of its life there
_PENDING = 256  # writes under way; more means the shared store does not keep up, and further ones are lost
_FLUSH_S = 5.0


class TieredStore:
    """Memory, then the shared store; a put is seen at once here and written to the shared store in the background.

    Args:
        memory: the tier of this process.
        shared: the store that other processes see too.
    """

    def __init__(self, memory: MemoryStore, shared: CacheStore) -> None:
        self._memory = memory
        self._shared = shared
        self._pending: set[asyncio.Task[None]] = set()

    async def get(self, key: str) -> bytes | None:
        """The nearest copy; one found in the shared store is kept here too."""
        value = await self._memory.get(key)
        if value is None and (value := await self._shared.get(key)) is not None:
            await self._memory.put(key, value, _PROMOTED_S)
        return value

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep the value for `ttl_s` ± 10 %; returns without waiting for the shared store."""
        life_s = jittered(ttl_s)
        await self._memory.put(key, value, life_s)
        if len(self._pending) < _PENDING:
            self._behind(self._shared.put(key, value, life_s))

    async def try_lock(self, key: str, ttl_s: float) -> bool:
        """The shared store's lock: memory has none to give."""
        return await self._shared.try_lock(key, ttl_s)

    async def unlock(self, key: str) -> None:
        """Give the lock back in the background, once the puts made before have arrived."""
        self._behind(self._unlock(key, set(self._pending)))

    async def ping(self) -> bool:
        """Whether the shared store answers."""
        return await self._shared.ping()

    async def flush(self) -> None:
        """Wait until the writes under way have arrived or been given up."""
        if self._pending:
            await asyncio.wait(set(self._pending), timeout=_FLUSH_S)

    async def aclose(self) -> None:
        """Flush, drop what is left after seconds, and close both tiers."""
        await self.flush()
        for task in self._pending:
            task.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)
        await self._shared.aclose()
        await self._memory.aclose()

    def _behind(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _unlock(self, key: str, before: set[asyncio.Task[None]]) -> None:
        if before:
            await asyncio.wait(before)
        await self._shared.unlock(key)
