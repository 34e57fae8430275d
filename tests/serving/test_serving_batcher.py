from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest
from serving_kit import ask, assert_answer, counter, fake_card, make_pool, serving, spec, until, windows

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Lane, Window


async def test_the_worker_is_ready_fast_and_answers_in_the_order_of_put() -> None:
    began = time.monotonic()
    async with serving(make_pool()) as batcher:
        assert time.monotonic() - began < 5  # well below 1 s on an idle machine
        rows = windows(1, 21)
        async with batcher.open(spec("a")) as item:
            for window in rows:
                await item.put(window)
            outputs = await item.result(21)
        assert_answer(outputs, rows)
        stats = item.stats
        assert stats.rows == 21
        assert max(stats.batch_rows) <= 8
        assert set(stats.timings_s()) == {"queue", "frontend", "network"}
        assert batcher.rate.per_s > 0


async def test_alone_equals_in_a_batch_with_any_company() -> None:
    """Case 36: the same clip alone and among 2…64 rows of others, also long ones."""
    rows = windows(7, 3)
    async with serving(make_pool(rows=64)) as batcher:
        alone = await ask(batcher, spec("same"), rows)
        for company in (1, 7, 20):
            others = [ask(batcher, spec(f"o{i}"), windows(100 + i, 3)) for i in range(company)]
            others.append(ask(batcher, spec("long"), windows(99, 40)))
            crowded, *_ = await asyncio.gather(ask(batcher, spec("same"), rows), *others)
            for name, array in alone.items():
                np.testing.assert_array_equal(array, crowded[name])


async def test_patches_of_many_clips_share_batches() -> None:
    async with serving(make_pool(fake_card(delay_ms=20.0))) as batcher:
        before = counter("sonotype_batch_items_count", model="fake-chaos@1")
        await asyncio.gather(*(ask(batcher, spec(f"c{i}"), windows(i, 2)) for i in range(16)))
        batches = counter("sonotype_batch_items_count", model="fake-chaos@1") - before
        assert batches <= 6  # 32 rows in batches of at most 8, where 16 would run one clip each


async def test_an_item_queues_a_bounded_number_of_windows() -> None:
    async with serving(make_pool(fake_card(delay_ms=50.0), rows=4)) as batcher:
        deepest = 0
        async with batcher.open(spec("long")) as item:
            for window in windows(1, 60):
                await item.put(window)
                deepest = max(deepest, len(batcher.queues))
            await item.result(60)
        assert deepest <= 8


async def test_caller_that_leaves_while_queued_never_reaches_a_worker() -> None:
    """Case 19."""
    async with serving(make_pool(fake_card(delay_ms=120.0))) as batcher:
        before = counter("sonotype_abandoned_total", where="queued")
        ran = counter("sonotype_batch_items_sum", model="fake-chaos@1")
        first = asyncio.create_task(ask(batcher, spec("runs"), windows(1, 8)))
        await until(lambda: counter("sonotype_batch_items_sum", model="fake-chaos@1") > ran)
        second = asyncio.create_task(ask(batcher, spec("leaves"), windows(2, 3)))
        await until(lambda: len(batcher.queues) == 3)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        await first
        assert counter("sonotype_abandoned_total", where="queued") == before + 1
        await asyncio.sleep(0.05)
        assert counter("sonotype_batch_items_sum", model="fake-chaos@1") == ran + 8


async def test_cancelling_one_of_eight_batch_mates_harms_nobody() -> None:
    """Case 20."""
    async with serving(make_pool(fake_card(delay_ms=150.0))) as batcher:
        rows = [windows(i, 1) for i in range(8)]
        running = counter("sonotype_abandoned_total", where="running")
        calls = [asyncio.create_task(ask(batcher, spec(f"m{i}"), rows[i])) for i in range(8)]
        await until(lambda: all(not source.waiting for source in batcher._items) and batcher.open_items == 8)
        began = time.monotonic()
        calls[3].cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert time.monotonic() - began < 1.0
        assert isinstance(answers[3], asyncio.CancelledError)
        for i in (0, 1, 2, 4, 5, 6, 7):
            assert_answer(answers[i], rows[i])
        assert counter("sonotype_abandoned_total", where="running") == running + 1


@pytest.mark.parametrize(("trigger", "kind"), [("raise", "error"), ("nan", "numeric")])
async def test_one_bad_item_in_sixteen_fails_alone(trigger: str, kind: str) -> None:
    """Case 21: 15 answers, one ITEM_FAILED, and counters that agree."""
    async with serving(make_pool(fake_card(delay_ms=5.0), rows=16)) as batcher:
        labels = {"model": "fake-chaos@1", "kind": kind}
        failed = counter("sonotype_item_failures_total", **labels)
        rows = [windows(i, 1, trigger if i == 11 else None) for i in range(16)]
        batches = counter("sonotype_batch_items_count", model="fake-chaos@1")
        answers = await asyncio.gather(
            *(ask(batcher, spec(f"i{i}"), rows[i]) for i in range(16)), return_exceptions=True
        )
        extra = counter("sonotype_batch_items_count", model="fake-chaos@1") - batches - 1
        for i, answer in enumerate(answers):
            if i == 11:
                assert isinstance(answer, SonotypeError)
                assert answer.code is Code.ITEM_FAILED
            else:
                assert_answer(answer, rows[i])
        assert extra == (8 if trigger == "raise" else 0)  # two halves on each of log2(16) levels
        assert counter("sonotype_item_failures_total", **labels) == failed + 1
        assert batcher.workers_up == 1


async def test_deadline_passes_in_the_queue_at_no_cost() -> None:
    """Case 23: 504 at about 100 ms behind a second of queue, and nothing of it is computed."""
    async with serving(make_pool(fake_card(delay_ms=300.0))) as batcher:
        ran = counter("sonotype_batch_items_sum", model="fake-chaos@1")
        blocker = asyncio.create_task(ask(batcher, spec("blocker"), windows(1, 8)))
        await until(lambda: counter("sonotype_batch_items_sum", model="fake-chaos@1") > ran)
        began = time.monotonic()
        with pytest.raises(SonotypeError) as caught:
            await ask(batcher, spec("late", timeout_s=0.1), windows(2, 2))
        assert caught.value.code is Code.DEADLINE_EXCEEDED
        assert 0.08 < time.monotonic() - began < 0.4
        await blocker
        assert counter("sonotype_batch_items_sum", model="fake-chaos@1") == ran + 8
        with pytest.raises(SonotypeError) as caught:
            await ask(batcher, spec("gone", timeout_s=-1), windows(2, 1))
        assert caught.value.code is Code.DEADLINE_EXCEEDED


async def test_one_row_per_batch_works() -> None:
    """Case 22: BentoML#4856."""
    rows = windows(3, 5)
    async with serving(make_pool(rows=1)) as batcher:
        async with batcher.open(spec("small")) as item:
            for window in rows:
                await item.put(window)
            assert_answer(await item.result(5), rows)
        assert item.stats.batch_rows == [1] * 5


async def test_a_row_dearer_than_the_budget_runs_alone() -> None:
    """Case 22: TEI#723, a budget that no row fits does not stall the queue."""
    rows = windows(3, 3)
    async with serving(make_pool(batch_audio_s=0.5)) as batcher:
        assert_answer(await ask(batcher, spec("dear"), rows), rows)


async def test_interactive_overtakes_bulk_and_bulk_still_moves() -> None:
    """Case 24, simplified: one worker, saturated by bulk."""
    async with serving(make_pool(fake_card(delay_ms=30.0))) as batcher:
        bulk = asyncio.create_task(ask(batcher, spec("bulk", lane=Lane.BULK), windows(1, 160)))
        await asyncio.sleep(0.1)
        took = []
        for i in range(6):
            began = time.monotonic()
            await ask(batcher, spec(f"person{i}"), windows(i, 1))
            took.append(time.monotonic() - began)
        assert not bulk.done()
        assert sorted(took)[-2] < 0.030 * 3 + 0.05  # own batch, one of bulk before it, and slack of a busy machine
        flood = [asyncio.create_task(_keep_asking(batcher, i)) for i in range(10)]
        assert_answer(await asyncio.wait_for(bulk, 20), windows(1, 160))
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)


async def _keep_asking(batcher: object, seed: int) -> None:
    while True:
        await ask(batcher, spec(f"flood{seed}"), windows(seed, 4))


async def test_a_short_clip_may_be_filled_in_its_own_way() -> None:
    rows = [Window(0, windows(1, 1)[0].samples, 40, "pad")]
    async with serving(make_pool()) as batcher:
        assert_answer(await ask(batcher, spec("short"), rows), rows)
        assert batcher.open_items == 0


async def test_misuse_is_named() -> None:
    async with serving(make_pool()) as batcher:
        async with batcher.open(spec("misuse")) as item:
            with pytest.raises(ValueError, match="bug"):
                await item.put(Window(0, np.zeros(5, np.float32), 100))
            with pytest.raises(ValueError, match="bug"):
                await item.result(3)
            assert {name: array.shape for name, array in (await item.result(0)).items()} == {
                "tags": (0, 8),
                "vector": (0, 16),
                "small": (0, 4),
            }
        with pytest.raises(SonotypeError) as caught:
            await ask(batcher, spec("who", model="nobody@1"), windows(1, 1))
        assert caught.value.code is Code.MODEL_NOT_FOUND
