"""What every store promises, and what is particular to each."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from sonotype.core.settings import Settings
from sonotype.serving.cache import CacheStore, open_store
from sonotype.serving.cache.memory import MemoryStore
from sonotype.serving.cache.redis import RedisStore
from sonotype.serving.cache.sqlite import SqliteStore
from sonotype.serving.cache.sqlite_file import CacheFile
from sonotype.serving.cache.store import jittered
from sonotype.serving.cache.tiered import TieredStore

VALUE = bytes(range(256)) * 80


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["memory", "sqlite", "redis", "tiered"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CacheStore]:
    made: CacheStore
    if request.param == "memory":
        made = MemoryStore()
    elif request.param == "redis":
        made = RedisStore(request.getfixturevalue("redis_url"), prefix=f"{uuid.uuid4().hex}:")
    else:
        made = SqliteStore(tmp_path / "cache.sqlite3", max_bytes=2**20)
        if request.param == "tiered":
            made = TieredStore(MemoryStore(), made)
    yield made
    await made.aclose()


async def test_keeps_what_it_is_given(store: CacheStore) -> None:
    assert await store.get("k") is None
    await store.put("k", VALUE, 60)
    await store.put("other", b"", 60)
    assert await store.get("k") == VALUE
    assert await store.get("other") == b""
    await store.put("k", b"new", 60)
    assert await store.get("k") == b"new"
    assert await store.ping()


async def test_forgets_after_the_time_to_live(store: CacheStore) -> None:
    await store.put("k", VALUE, 0.05)
    await asyncio.sleep(0.15)
    assert await store.get("k") is None


async def test_one_owner_per_lock_until_given_back_or_expired(redis_url: str, tmp_path: Path) -> None:
    path, prefix = tmp_path / "cache.sqlite3", uuid.uuid4().hex
    pairs: list[list[CacheStore]] = [
        [SqliteStore(path, max_bytes=2**20) for _ in range(2)],
        [RedisStore(redis_url, prefix=prefix) for _ in range(2)],
    ]
    for one, two in pairs:
        assert await one.try_lock("l", 60)
        assert not await two.try_lock("l", 60)
        await two.unlock("l")  # not its own: stays
        assert not await two.try_lock("l", 60)
        await one.unlock("l")
        assert await two.try_lock("l", 0.05)
        await asyncio.sleep(0.1)
        assert await one.try_lock("l", 60)
        await one.aclose()
        await two.aclose()


async def test_a_value_is_seen_by_the_other_process_s_store(redis_url: str, tmp_path: Path) -> None:
    path, prefix = tmp_path / "cache.sqlite3", uuid.uuid4().hex
    for make in (
        lambda: SqliteStore(path, max_bytes=2**20),
        lambda: RedisStore(redis_url, prefix=prefix),
    ):
        one, two = make(), make()
        await one.put("k", VALUE, 60)
        assert await two.get("k") == VALUE
        await one.aclose()
        await two.aclose()


async def test_memory_keeps_the_last_used_within_its_bytes() -> None:
    store = MemoryStore(max_bytes=10_000)
    for name in "abcdef":
        await store.put(name, b"x" * 1_500, 60)
        await store.get("a")
    assert store.size_bytes <= 10_000
    assert await store.get("a") is not None
    assert await store.get("b") is None
    await store.put("huge", b"x" * 5_000, 60)
    assert await store.get("huge") is None
    assert await store.get("f") is not None


async def test_memory_lets_expired_values_go() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    await store.put("k", VALUE, 10)
    clock.now += 11
    assert await store.get("k") is None
    assert store.size_bytes == 0


def test_the_file_stays_under_its_cap_and_drops_the_least_used(tmp_path: Path) -> None:
    clock = Clock()
    file = CacheFile(tmp_path / "c.sqlite3", 100_000, "me", clock)
    for n in range(30):
        clock.now += 1
        file.put(str(n), b"x" * 10_000, 3600)
        file.touch("0")
        assert file.size_bytes() <= 100_000
    assert file.get("0") is not None
    assert file.get("1") is None
    assert file.get("29") is not None
    file.put("huge", b"x" * 50_000, 3600)
    assert file.get("huge") is None
    file.close()


def test_expired_entries_go_before_living_ones(tmp_path: Path) -> None:
    clock = Clock()
    file = CacheFile(tmp_path / "c.sqlite3", 100_000, "me", clock)
    file.put("living", b"x" * 10_000, 3600)
    for n in range(8):
        clock.now += 1
        file.put(str(n), b"x" * 10_000, 5)
    clock.now += 10
    file.put("a", b"x" * 10_000, 60)
    file.put("b", b"x" * 10_000, 60)
    assert file.get("living") is not None
    assert file.size_bytes() < 40_000
    file.close()


def test_replacing_a_value_counts_it_once(tmp_path: Path) -> None:
    file = CacheFile(tmp_path / "c.sqlite3", 2**20, "me")
    for n in (10_000, 10, 5_000):
        file.put("k", b"x" * n, 60)
    assert 5_000 < file.size_bytes() < 6_000
    file.close()


@pytest.mark.parametrize("damage", ["text", "middle", "empty", "truncated"])
async def test_a_corrupt_file_is_moved_aside(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "c.sqlite3"
    store = SqliteStore(path, max_bytes=2**24)
    for n in range(50):
        await store.put(str(n), VALUE, 60)
    await store.aclose()
    data = bytearray(path.read_bytes())
    if damage == "text":
        data[:] = b"not a database" * 500
    elif damage == "middle":
        data[4096:] = os.urandom(len(data) - 4096)
    elif damage == "empty":
        data.clear()
    else:
        del data[len(data) // 2 :]
    path.write_bytes(data)

    store = SqliteStore(path, max_bytes=2**24)
    for n in range(50):
        assert await store.get(str(n)) in (None, VALUE)
    await store.put("new", VALUE, 60)
    assert await store.get("new") == VALUE
    await store.aclose()


async def test_a_file_removed_or_replaced_beneath_us_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    one = SqliteStore(path, max_bytes=2**20)
    await one.put("k", VALUE, 60)
    for file in tmp_path.iterdir():
        file.unlink()
    assert await one.get("k") is None
    await one.put("k", VALUE, 60)
    assert await one.get("k") == VALUE
    await one.aclose()


async def test_a_place_that_cannot_be_written_is_a_cache_that_misses(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = SqliteStore(tmp_path / "file" / "c.sqlite3", max_bytes=2**20)
    for _ in range(7):
        await store.put("k", VALUE, 60)
        assert await store.get("k") is None
    assert await store.try_lock("l", 60)
    assert not await store.ping()
    await store.aclose()


async def test_a_writer_that_sits_on_the_file_costs_milliseconds(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    store = SqliteStore(path, max_bytes=2**20)
    await store.put("k", VALUE, 60)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started = time.perf_counter()
    assert await store.get("k") == VALUE  # a reader passes a writer
    assert await store.try_lock("l", 60)  # nobody can tell
    assert time.perf_counter() - started < 0.5
    other.execute("ROLLBACK")
    other.close()
    await store.aclose()


async def test_promotes_what_the_shared_store_knows(tmp_path: Path) -> None:
    shared, memory = SqliteStore(tmp_path / "c.sqlite3", max_bytes=2**20), MemoryStore()
    store = TieredStore(memory, shared)
    await shared.put("k", VALUE, 60)
    assert await store.get("k") == VALUE
    assert await memory.get("k") == VALUE
    await store.aclose()


async def test_a_put_does_not_wait_for_the_shared_store_and_unlock_comes_after_it() -> None:
    class Slow(MemoryStore):
        events: list[str] = []  # noqa: RUF012

        async def put(self, key: str, value: bytes, ttl_s: float) -> None:
            await asyncio.sleep(0.1)
            self.events.append("put")

        async def unlock(self, key: str) -> None:
            self.events.append("unlock")

    shared = Slow()
    store = TieredStore(MemoryStore(), shared)
    started = time.perf_counter()
    await store.put("k", VALUE, 60)
    await store.unlock("l")
    assert time.perf_counter() - started < 0.08
    assert await store.get("k") == VALUE
    await store.flush()
    assert shared.events == ["put", "unlock"]
    await store.aclose()


def test_lives_are_spread_by_a_tenth() -> None:
    lives = [jittered(100.0) for _ in range(500)]
    assert 90 <= min(lives) < 93
    assert 107 < max(lives) <= 110


async def test_settings_choose_the_shared_store(redis_url: str, tmp_path: Path) -> None:
    embedded = open_store(Settings(data_dir=tmp_path, redis_url=None))
    await embedded.put("k", VALUE, 60)
    await embedded.aclose()
    assert (tmp_path / "cache-1.sqlite3").exists()
    remote = open_store(Settings(data_dir=tmp_path / "unused", redis_url=SecretStr(redis_url)))
    assert await remote.ping()
    await remote.aclose()
    assert not (tmp_path / "unused").exists()
    with pytest.raises(ValueError, match="scheme"):
        open_store(Settings(redis_url=SecretStr("http://user:secret@host")))
