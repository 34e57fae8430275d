"""The embedded store: a SQLite file in the data directory, for one machine without a Redis.

Two threads with a connection each, so that a lookup never waits behind a write of its own process; WAL keeps it
from waiting behind another's.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sonotype.serving.cache.breaker import Breaker
from sonotype.serving.cache.guard import Budget, Guard, Unavailable
from sonotype.serving.cache.sqlite_file import CacheFile
from sonotype.serving.cache.store import count_lookup

T = TypeVar("T")
_TOUCH_AFTER_S = 60.0  # like relatime: an entry's last use is written at most once a minute
_CLOSE_S = 5.0


class _Thread:
    """A thread and the connection that only it uses."""

    def __init__(self, name: str, file: CacheFile) -> None:
        self.file = file
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, work: Callable[[CacheFile], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, self.file)

    def soon(self, work: Callable[[CacheFile], None]) -> None:
        """Run without anybody waiting; a failure is nobody's business."""
        self._executor.submit(work, self.file)

    async def aclose(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.run(CacheFile.close), _CLOSE_S)
        self._executor.shutdown(wait=False, cancel_futures=True)


class SqliteStore:
    """The cache in a file; the same promises as every store (a failure is a miss, never an error).

    Args:
        path: the file; a broken one is moved aside, an unusable place means a cache that always misses.
        max_bytes: cap on keys and values together.
        breaker: opened by failures of any operation.
        budget: seconds per operation.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int,
        breaker: Breaker | None = None,
        budget: Budget = Budget(),  # noqa: B008 - frozen
    ) -> None:
        owner = uuid.uuid4().hex
        self._reader = _Thread("sonotype-cache-read", CacheFile(path, max_bytes, owner))
        self._writer = _Thread("sonotype-cache-write", CacheFile(path, max_bytes, owner))
        self._budget = budget
        self._guard = Guard("sqlite", breaker or Breaker(), (sqlite3.Error,), slots=1)

    async def get(self, key: str) -> bytes | None:
        """The value under `key`; whatever goes wrong is a miss."""
        reply = await self._guard.run("get", self._budget.get_s, lambda: self._reader.run(lambda file: file.get(key)))
        if isinstance(reply, Unavailable):
            count_lookup("sqlite", reply)
            return None
        count_lookup("sqlite", "miss" if reply is None else "hit")
        if reply is None:
            return None
        value, unused_s = reply
        if unused_s > _TOUCH_AFTER_S:
            self._writer.soon(lambda file: file.touch(key))
        return value

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep `value`; whatever goes wrong loses it."""
        await self._guard.run(
            "put", self._budget.put_s, lambda: self._writer.run(lambda file: file.put(key, value, ttl_s))
        )

    async def try_lock(self, key: str, ttl_s: float) -> bool:
        """Take the lock row; granted also when the file does not answer."""
        reply = await self._guard.run(
            "lock", self._budget.lock_s, lambda: self._writer.run(lambda file: file.try_lock(key, ttl_s))
        )
        return isinstance(reply, Unavailable) or reply

    async def unlock(self, key: str) -> None:
        """Delete the lock row if it is still ours; otherwise it expires by itself."""
        await self._guard.run("unlock", self._budget.put_s, lambda: self._writer.run(lambda file: file.unlock(key)))

    async def ping(self) -> bool:
        """Whether the file can be read."""
        reply = await self._guard.run("ping", self._budget.ping_s, lambda: self._reader.run(CacheFile.size_bytes))
        return not isinstance(reply, Unavailable)

    async def aclose(self) -> None:
        """Let the queued writes finish, within seconds, and close both connections."""
        await self._reader.aclose()
        await self._writer.aclose()
