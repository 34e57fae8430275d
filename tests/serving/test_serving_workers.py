from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from typing import Any

import numpy as np
import pytest
from serving_kit import ask, assert_answer, counter, fake_card, make_pool, serving, spec, until, windows

from sonotype.core.errors import Code, SonotypeError
from sonotype.serving.batcher import Batcher
from sonotype.serving.poison import Quarantine


async def outcome(batcher: Batcher, name: str, rows: list[Any], **changes: Any) -> Any:
    """The answer of an item, or its error."""
    try:
        return await ask(batcher, spec(name, **changes), rows)
    except SonotypeError as error:
        return error


async def test_worker_killed_in_mid_batch_costs_nobody_an_answer() -> None:
    """Case 26."""
    pool = make_pool(fake_card(delay_ms=150.0), workers=2)
    async with serving(pool) as batcher:
        restarts = counter("sonotype_worker_restarts_total", model="all", why="crash")
        rows = [windows(i, 4) for i in range(8)]
        calls = [asyncio.create_task(ask(batcher, spec(f"k{i}"), rows[i])) for i in range(8)]
        await until(lambda: all(worker.in_flight for worker in pool.workers))
        os.kill(pool.workers[0].pid, signal.SIGKILL)
        await until(lambda: batcher.workers_up == 1)
        assert batcher.ready
        for i, answer in enumerate(await asyncio.gather(*calls)):
            assert_answer(answer, rows[i])
        await until(lambda: batcher.workers_up == 2)
        assert counter("sonotype_worker_restarts_total", model="all", why="crash") == restarts + 1


async def test_without_workers_the_service_says_so() -> None:
    """Case 26: 503 and not ready within two seconds when the last worker is gone and does not come back."""
    pool = make_pool(start_timeout_s=0.001)
    batcher = Batcher(pool)
    await batcher.start()
    try:
        with pytest.raises(SonotypeError) as caught:
            await batcher.wait_ready(5)
        assert caught.value.code is Code.UNAVAILABLE
        assert not batcher.ready
        error = await outcome(batcher, "x", windows(1, 1))
        assert error.code is Code.UNAVAILABLE
        assert error.retry_after_s >= 1
    finally:
        await batcher.aclose()


async def test_lost_workers_fail_what_waits_after_the_grace() -> None:
    pool = make_pool()
    async with serving(pool, down_grace_s=0.2) as batcher:
        pool.workers[0]._failures = 10  # a long back-off, as after many crashes
        os.kill(pool.workers[0].pid, signal.SIGKILL)
        await until(lambda: not batcher.ready, 2)
        error = await asyncio.wait_for(outcome(batcher, "waits", windows(1, 1)), 3)
        assert error.code is Code.UNAVAILABLE


async def test_audio_that_kills_its_worker_is_quarantined_and_mates_are_answered() -> None:
    """Case 27."""
    pool = make_pool(fake_card(delay_ms=30.0), workers=2)
    async with serving(pool) as batcher:
        quarantined = counter("sonotype_quarantined_total")
        rows = [windows(i, 1, "die" if i == 3 else None) for i in range(8)]
        answers = await asyncio.gather(*(outcome(batcher, f"q{i}", rows[i]) for i in range(8)))
        for i, answer in enumerate(answers):
            if i == 3:
                assert answer.code is Code.QUARANTINED
            else:
                assert_answer(answer, rows[i])
        assert sum(worker.restarts for worker in pool.workers) <= 2
        assert counter("sonotype_quarantined_total") == quarantined + 1
        deaths = sum(worker.restarts for worker in pool.workers)
        assert (await outcome(batcher, "q3", rows[3])).code is Code.QUARANTINED
        assert sum(worker.restarts for worker in pool.workers) == deaths
        assert_answer(await outcome(batcher, "fine", rows[0]), rows[0])


async def test_killer_alone_is_given_two_lives() -> None:
    pool = make_pool()
    async with serving(pool) as batcher:
        assert (await outcome(batcher, "killer", windows(1, 5, "die", at=2))).code is Code.QUARANTINED
        await until(lambda: batcher.ready)
        assert pool.workers[0].restarts == 2


async def test_quarantine_outlives_the_process_through_the_store() -> None:
    kept: dict[str, bytes] = {}

    class Store:
        async def get(self, key: str) -> bytes | None:
            return kept.get(key)

        async def put(self, key: str, value: bytes, ttl_s: float) -> None:
            assert ttl_s == 86400
            kept[key] = value

    before = Quarantine(Store())
    before.add("abc", "m@1")
    await before.save()
    after = Quarantine(Store())
    assert await after.holds("abc", "m@1")
    assert not await after.holds("abc", "m@2")


async def test_quarantine_ends() -> None:
    now = [0.0]
    quarantine = Quarantine(ttl_s=10, clock=lambda: now[0])
    quarantine.add("abc", "m@1")
    assert await quarantine.holds("abc", "m@1")
    now[0] = 11
    assert not await quarantine.holds("abc", "m@1")


async def test_hanging_worker_is_killed_and_replaced() -> None:
    """Case 28: 504 for the guilty, answers for its mates, and the worker comes back."""
    pool = make_pool(batch_timeout_s=0.5)
    async with serving(pool) as batcher:
        hangs = counter("sonotype_worker_restarts_total", model="all", why="hang")
        rows = [windows(i, 1, "hang" if i == 1 else None) for i in range(3)]
        began = time.monotonic()
        answers = await asyncio.gather(*(outcome(batcher, f"h{i}", rows[i]) for i in range(3)))
        assert time.monotonic() - began < 10
        assert answers[1].code is Code.DEADLINE_EXCEEDED
        assert_answer(answers[0], rows[0])
        assert_answer(answers[2], rows[2])
        assert counter("sonotype_worker_restarts_total", model="all", why="hang") >= hangs + 1
        # alone a second time: it will not get a third
        await until(lambda: batcher.ready)
        assert (await outcome(batcher, "h1", rows[1])).code is Code.DEADLINE_EXCEEDED
        assert (await outcome(batcher, "h1", rows[1])).code is Code.QUARANTINED
        await until(lambda: batcher.ready)
        assert_answer(await outcome(batcher, "after", rows[0]), rows[0])


async def test_out_of_memory_halves_the_batch_and_is_remembered() -> None:
    """Case 29: fails at 64 rows, succeeds at 32, and the worker's limit shows it."""
    pool = make_pool(fake_card(delay_ms=20.0), rows=64, loader="standin_loader:load")
    async with serving(pool) as batcher:
        rows = windows(5, 128)
        assert_answer(await ask(batcher, spec("big"), rows), rows)
        assert pool.workers[0].limit.rows == 32
        assert counter("sonotype_worker_row_limit", worker="0") == 32
        assert pool.workers[0].restarts == 0


async def test_broken_device_replaces_the_process() -> None:
    """Case 29: after a sticky CUDA error the process is of no use; the item is tried once more."""
    pool = make_pool(workers=2, loader="standin_loader:load")
    async with serving(pool) as batcher:
        restarts = counter("sonotype_worker_restarts_total", model="all", why="cuda")
        bad = windows(1, 1)
        bad[0].samples[5] = 0.859375
        good = windows(2, 1)
        answers = await asyncio.gather(outcome(batcher, "sticky", bad), outcome(batcher, "mate", good))
        assert answers[0].code is Code.QUARANTINED
        assert_answer(answers[1], good)
        await until(lambda: batcher.workers_up == 2)
        assert counter("sonotype_worker_restarts_total", model="all", why="cuda") == restarts + 2


async def test_what_cannot_be_loaded_is_said() -> None:
    batcher = Batcher(make_pool(loader="standin_loader:load_nothing"))
    await batcher.start()
    try:
        with pytest.raises(SonotypeError, match="could not load its models"):
            await batcher.wait_ready(10)
    finally:
        await batcher.aclose()


async def test_stop_while_loading_and_twice_leaves_no_process() -> None:
    """Case 32, the pool's half."""
    pool = make_pool(workers=2, loader="standin_loader:load_slowly")
    batcher = Batcher(pool)
    await batcher.start()
    await until(lambda: all(worker.pid for worker in pool.workers))
    await asyncio.sleep(0.3)
    pids = [worker.pid for worker in pool.workers]
    began = time.monotonic()
    await asyncio.gather(batcher.aclose(), batcher.aclose())
    assert time.monotonic() - began < 3
    assert not any(_exists(pid) for pid in pids)


async def test_drain_finishes_what_is_accepted_and_refuses_the_rest() -> None:
    """Case 32: under load every accepted item ends with an answer."""
    async with serving(make_pool(fake_card(delay_ms=40.0), workers=2)) as batcher:
        rows = windows(3, 12)
        calls = [asyncio.create_task(ask(batcher, spec(f"d{i}"), rows)) for i in range(6)]
        await until(lambda: batcher.open_items == 6)
        draining = asyncio.create_task(batcher.drain(10))
        await asyncio.sleep(0)
        assert (await outcome(batcher, "new", rows)).code is Code.DRAINING
        for answer in await asyncio.gather(*calls):
            assert_answer(answer, rows)
        await draining
        assert not batcher.ready


async def test_drain_ends_in_time_with_503() -> None:
    async with serving(make_pool(fake_card(delay_ms=700.0), rows=1)) as batcher:
        call = asyncio.create_task(outcome(batcher, "slow", windows(1, 1)))
        await until(lambda: batcher.open_items == 1)
        await batcher.drain(0.1)
        error = await asyncio.wait_for(call, 1)
        assert error.code is Code.DRAINING
        assert error.retry_after_s >= 1


@pytest.mark.chaos
async def test_soak_leaves_nothing_behind() -> None:
    """Case 31, short: descriptors, threads and memory stay where they were."""
    pool = make_pool(workers=2)
    async with serving(pool) as batcher:
        rows = windows(1, 3)
        await _many(batcher, 300, rows)
        before = _usage()
        await _many(batcher, 2000, rows)
        after = _usage()
        assert after["fds"] <= before["fds"]
        assert after["threads"] <= before["threads"]
        assert after["rss"] - before["rss"] < 4e6
        assert batcher.open_items == 0
        assert not batcher.queues.groups["interactive"]
    assert _usage()["fds"] <= before["fds"] - 2


async def _many(batcher: Batcher, n: int, rows: list[Any]) -> None:
    gate = asyncio.Semaphore(16)

    async def one(i: int) -> None:
        async with gate:
            await ask(batcher, spec(f"s{i}"), rows)

    await asyncio.gather(*(one(i) for i in range(n)))


@pytest.mark.chaos
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_clients_that_do_anything(seed: int) -> None:
    """Seeded chaos: callers leave, time out, send poison, workers are killed; at the end everything still works."""
    rng = np.random.default_rng(seed)
    pool = make_pool(fake_card(delay_ms=4.0), workers=2, batch_timeout_s=1.0)
    async with serving(pool) as batcher:
        clean = 0

        async def client(i: int) -> None:
            nonlocal clean
            await asyncio.sleep(rng.uniform(0, 2))
            trigger = rng.choice(["", "", "", "", "", "", "raise", "nan", "die"])
            n = int(rng.integers(1, 30))
            rows = windows(i, n, str(trigger) or None, at=int(rng.integers(0, n)))
            timeout_s = float(rng.choice([0.05, 0.3, 60.0, 60.0]))
            call = asyncio.create_task(outcome(batcher, f"z{i}", rows, timeout_s=timeout_s))
            if rng.random() < 0.2:
                await asyncio.sleep(rng.uniform(0, 0.1))
                call.cancel()
            answer = (await asyncio.gather(call, return_exceptions=True))[0]
            if isinstance(answer, dict):
                assert not trigger
                assert_answer(answer, rows)
                clean += 1
            else:
                assert isinstance(answer, SonotypeError | asyncio.CancelledError), answer

        async def killer() -> None:
            for _ in range(3):
                await asyncio.sleep(0.7)
                if pid := pool.workers[int(rng.integers(0, 2))].pid:
                    os.kill(pid, signal.SIGKILL)

        async with asyncio.timeout(60):
            await asyncio.gather(killer(), *(client(i) for i in range(120)))
        assert clean, "somebody got an answer, however busy the machine is"
        assert batcher.open_items == 0
        assert len(batcher.queues) == 0
        await until(lambda: batcher.workers_up == 2)
        rows = windows(1, 20)
        assert_answer(await ask(batcher, spec("still alive"), rows), rows)


def _usage() -> dict[str, float]:
    gc.collect()
    with open("/proc/self/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    return {
        "fds": len(os.listdir("/proc/self/fd")),
        "threads": int(fields["Threads"]),
        "rss": int(fields["VmRSS"].split()[0]) * 1024,
    }


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
