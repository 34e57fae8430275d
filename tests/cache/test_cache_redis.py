"""Case 33: whatever is wrong with Redis costs milliseconds, opens the breaker and heals by itself.

The bounds are medians and generous, for machines that are busy with other things: the budget of a get is 50 ms.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from sonotype.serving.cache import SingleFlight
from sonotype.serving.cache.breaker import Breaker
from sonotype.serving.cache.memory import MemoryStore
from sonotype.serving.cache.redis import RedisStore
from sonotype.serving.cache.tiered import TieredStore

OPEN_S = 0.4
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
StartRedis = Callable[..., AbstractContextManager[int]]


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.read(4096):
        pass


async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(4096):
        await asyncio.sleep(2)
        writer.write(b"$-1\r\n")


async def killed_mid_reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(b"+OK\r\n" * data.count(b"SETINFO"))
        if b"GET" in data:
            writer.write(b"$20000\r\nonly the beginning")
            return


async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(4096):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def an_integer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(b":7\r\n" * data.count(b"*"))


@asynccontextmanager
async def listening(handler: Handler, port: int = 0) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await handler(reader, writer)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def store_at(port: int, *, password: str = "") -> AsyncIterator[tuple[RedisStore, Breaker]]:
    breaker = Breaker(failures=5, open_s=OPEN_S)
    login = f":{password}@" if password else ""
    store = RedisStore(f"redis://{login}127.0.0.1:{port}/0", breaker=breaker)
    yield store, breaker
    await store.aclose()


async def get_times(store: RedisStore, n: int) -> list[float]:
    times = []
    for _ in range(n):
        started = time.perf_counter()
        assert await store.get("k") is None
        times.append(time.perf_counter() - started)
    return times


async def assert_cheap_and_opens(store: RedisStore, breaker: Breaker) -> None:
    times = await get_times(store, 5)
    assert statistics.median(times) <= 0.25
    assert breaker.is_open
    assert REGISTRY.get_sample_value("sonotype_cache_breaker_open") == 1
    assert statistics.median(await get_times(store, 20)) <= 0.01


async def assert_recovers(store: RedisStore, breaker: Breaker) -> None:
    deadline = time.monotonic() + 15
    value = None
    while value is None and time.monotonic() < deadline:
        await asyncio.sleep(OPEN_S / 4)
        await store.put("k", b"value", 60)
        value = await store.get("k")
    assert value == b"value"
    assert not breaker.is_open
    assert REGISTRY.get_sample_value("sonotype_cache_breaker_open") == 0


async def test_refused(start_redis: StartRedis, free_port: int) -> None:
    port = free_port
    async with store_at(port) as (store, breaker):
        await assert_cheap_and_opens(store, breaker)
        with start_redis(port=port):
            await assert_recovers(store, breaker)


@pytest.mark.parametrize("handler", [silent, slow, killed_mid_reply, nonsense, an_integer])
async def test_a_server_that_is_none(handler: Handler, start_redis: StartRedis) -> None:
    async with listening(handler) as port, store_at(port) as (store, breaker):
        await assert_cheap_and_opens(store, breaker)
    with start_redis(port=port):
        async with store_at(port) as (store, breaker):
            await assert_recovers(store, breaker)


async def test_comes_back_at_the_same_address_after_silence(start_redis: StartRedis, free_port: int) -> None:
    port = free_port
    async with store_at(port) as (store, breaker):
        async with listening(silent, port):
            await assert_cheap_and_opens(store, breaker)
        with start_redis(port=port):
            await assert_recovers(store, breaker)


async def test_wrong_password(start_redis: StartRedis) -> None:
    with start_redis("--requirepass", "right") as port:
        async with store_at(port, password="wrong") as (store, breaker):  # noqa: S106
            await assert_cheap_and_opens(store, breaker)
        async with store_at(port, password="right") as (store, breaker):  # noqa: S106
            await assert_recovers(store, breaker)


async def test_a_read_only_replica(start_redis: StartRedis) -> None:
    with start_redis("--replicaof", "127.0.0.1", "1", "--requirepass", "p") as port:
        async with store_at(port, password="p") as (store, breaker):  # noqa: S106
            assert await store.get("k") is None
            for _ in range(5):
                await store.put("k", b"v", 60)
            assert breaker.is_open
            assert await store.try_lock("l", 60)
            await store._client.replicaof("NO", "ONE")
            await assert_recovers(store, breaker)


async def test_killed_while_serving_and_restarted(start_redis: StartRedis, free_port: int) -> None:
    port = free_port
    async with store_at(port) as (store, breaker):
        with start_redis(port=port):
            await assert_recovers(store, breaker)
        await assert_cheap_and_opens(store, breaker)
        with start_redis(port=port):
            await assert_recovers(store, breaker)


async def test_answers_go_on_without_redis() -> None:
    async with listening(silent) as port, store_at(port) as (shared, _):
        store = TieredStore(MemoryStore(), shared)
        flights = SingleFlight(store)
        times = []
        for n in range(20):
            key, started = f"k{n}", time.perf_counter()

            async def compute(key: str = key) -> bytes:
                await store.put(key, key.encode(), 60)
                return key.encode()

            async def peek(key: str = key) -> bytes | None:
                return await store.get(key)

            assert await flights.run(key, compute, peek) == key.encode()
            times.append(time.perf_counter() - started)
            assert await store.get(key) == key.encode()
        assert statistics.median(times) <= 0.25
        await store.flush()


async def test_a_reply_that_comes_too_late_is_never_given_to_the_next_question() -> None:
    """The reply to the first get arrives after its budget; the second get must not read it."""

    async def late_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(b"+OK\r\n" * data.count(b"SETINFO"))
            if b":first" in data:
                await asyncio.sleep(0.08)
                writer.write(b"$5\r\nFIRST\r\n")
            elif b":second" in data:
                writer.write(b"$6\r\nSECOND\r\n")

    async with listening(late_first) as port, store_at(port) as (store, _):
        assert await store.get("first") is None
        await asyncio.sleep(0.1)
        assert await store.get("second") == b"SECOND"


async def test_a_burst_on_a_healthy_server_is_no_outage(redis_url: str) -> None:
    breaker = Breaker(failures=5, open_s=60)
    store = RedisStore(redis_url, prefix="burst:", breaker=breaker)
    await store.put("k", b"x" * 20_000, 60)
    values = await asyncio.gather(*(store.get("k") for _ in range(400)))
    assert sum(value is not None for value in values) > 350
    assert not breaker.is_open
    await store.aclose()


async def test_a_burst_on_a_silent_server_waits_once() -> None:
    async with listening(silent) as port, store_at(port) as (store, breaker):
        started = time.perf_counter()
        assert await asyncio.gather(*(store.get("k") for _ in range(400))) == [None] * 400
        assert breaker.is_open
        assert time.perf_counter() - started < 1.0


async def test_lookups_are_counted_by_what_happened(free_port: int) -> None:
    def count(result: str) -> float:
        labels = {"tier": "redis", "result": result}
        return REGISTRY.get_sample_value("sonotype_cache_lookups_total", labels) or 0.0

    errors, bypasses = count("error"), count("bypass")
    async with store_at(free_port) as (store, _):
        await get_times(store, 8)
    assert count("error") - errors == 5
    assert count("bypass") - bypasses == 3
