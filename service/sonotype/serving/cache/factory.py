"""Settings to store."""

from __future__ import annotations

from sonotype.core.settings import Settings
from sonotype.serving.cache.memory import DEFAULT_BYTES, MemoryStore
from sonotype.serving.cache.redis import RedisStore
from sonotype.serving.cache.sqlite import SqliteStore
from sonotype.serving.cache.store import CacheStore
from sonotype.serving.cache.tiered import TieredStore

FILE_NAME = "cache-1.sqlite3"  # the number is that of the tables in it


def open_store(settings: Settings) -> TieredStore:
    """Memory before Redis where `redis_url` is set, before the embedded file otherwise.

    Opens nothing yet: a Redis that is down or a folder that cannot be written shows in the metrics and in `ping`,
    and never keeps the service from starting.

    Raises:
        ValueError: `redis_url` is not a Redis URL.
    """
    memory = MemoryStore(min(DEFAULT_BYTES, settings.cache_max_bytes))
    return TieredStore(memory, _shared(settings))


def _shared(settings: Settings) -> CacheStore:
    if settings.redis_url is not None:
        return RedisStore(settings.redis_url.get_secret_value())
    return SqliteStore(settings.data_dir / FILE_NAME, max_bytes=settings.cache_max_bytes)
