"""The lane of sonification with real child processes: order, bounds, and everything that can go wrong with a child."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serving_kit import HERE, counter, until
from standin_sonify import DIE, ENDLESS, FLAKY, HANG, NAN, RAISE, SHORT

from prototype_models import make_card, random_arrays
from sonotype.audio.process import Program
from sonotype.core.errors import Code, SonotypeError
from sonotype.models.sonify.fake import FakeSonifier
from sonotype.serving.sonify.engine import Engine, sonify_program
from sonotype.serving.sonify.lane import SonifyLane
from sonotype.serving.sonify.order import Order
from sonotype.serving.sonify.ticket import MOST_YIELDS, Ticket

DIM = 16
BLOCKS = 2  # in a segment of the fake decoder


def order(seed: int = 0, *, segments: int = 1, delay_ms: float = 0.0, dim: int = DIM) -> Order:
    card = make_card(random_arrays(3, 2, DIM), delay_ms=delay_ms)
    return Order(card, Path("/nowhere"), np.ones((segments, dim), np.float32), seed)


def program() -> Program:
    return replace(sonify_program(1, {"PYTHONPATH": f"{HERE}:{HERE.parent}"}), module="standin_sonify")


@asynccontextmanager
async def running(most_waiting: int = 8, **limits: Any) -> AsyncIterator[SonifyLane]:
    lane = SonifyLane(Engine(program(), **{"hang_s": 20.0, "cancel_s": 20.0, **limits}), most_waiting)
    lane.start()
    try:
        yield lane
    finally:
        await lane.aclose()


async def listen(lane: SonifyLane, asked: Order, **how: Any) -> np.ndarray:
    async with lane.open(asked, how.pop("deadline", None), **how) as ticket:
        return np.concatenate([block async for block in ticket])


async def refused(lane: SonifyLane, asked: Order, **how: Any) -> SonotypeError:
    with pytest.raises(SonotypeError) as caught:
        await listen(lane, asked, **how)
    return caught.value


async def test_samples_are_those_of_the_decoder_segment_after_segment() -> None:
    asked = order(3, segments=3)
    assert asked.card.decoder is not None
    decoder = FakeSonifier(asked.card.decoder)
    expected = np.concatenate([b for row in asked.embeddings for b in decoder.stream(row, seed=3)])
    async with running() as lane:
        np.testing.assert_array_equal(await listen(lane, asked), expected)


async def test_an_order_without_embeddings_only_loads() -> None:
    async with running() as lane, lane.open(order(segments=0), None, background=True) as ticket:
        assert [block async for block in ticket] == []


async def test_those_who_wait_go_before_the_background() -> None:
    done: list[str] = []

    async def one(name: str, *, background: bool) -> None:
        await listen(lane, order(delay_ms=20), background=background)
        done.append(name)

    async with running() as lane, lane.open(order(delay_ms=300), None) as first:
        await anext(first)  # the lane is busy from here on
        tasks = [asyncio.create_task(one(f"background {i}", background=True)) for i in range(2)]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(one(f"listener {i}", background=False)) for i in range(2)]
        await asyncio.gather(*tasks)
    assert done == ["listener 0", "listener 1", "background 0", "background 1"]


async def test_the_background_gives_way_even_when_it_has_begun_and_nothing_of_it_is_lost() -> None:
    asked, done = order(4, segments=30, delay_ms=30), list[str]()
    assert asked.card.decoder is not None
    decoder = FakeSonifier(asked.card.decoder.model_copy(update={"options": {}}))
    expected = np.concatenate([b for row in asked.embeddings for b in decoder.stream(row, seed=4)])

    async def behind() -> np.ndarray:
        heard = np.concatenate([await anext(ticket), *[block async for block in ticket]])
        done.append("background")
        return heard

    async with running() as lane, lane.open(asked, None, background=True) as ticket:
        first = await anext(ticket)
        rest = asyncio.create_task(behind())
        assert len(await listen(lane, order())) == order().n_samples
        done.append("listener")
        np.testing.assert_array_equal(np.concatenate([first, await rest]), expected)
    assert done == ["listener", "background"]


async def test_the_background_gives_way_a_few_times_only_and_nobody_else_does() -> None:
    behind, before, loading = (
        Ticket(order(), None, background=True),
        Ticket(order(), None),
        Ticket(order(segments=0), None, background=True),
    )
    for ticket, times in ((behind, MOST_YIELDS), (before, 0), (loading, 0)):
        for expected in [True] * times + [False] * 2:
            ticket.give_way()
            assert ticket.again() is expected
    behind.leave()
    assert not behind.again()
    assert behind.outcome == "cancelled"


async def test_a_full_queue_refuses_and_says_when_to_come_again() -> None:
    async with running(most_waiting=2) as lane, lane.open(order(delay_ms=200), None) as first:
        await anext(first)
        async with lane.open(order(), None):
            error = await refused(lane, order())
            assert (error.code, error.retry_after_s) == (Code.OVERLOADED, pytest.approx(2, abs=1))
            async with lane.open(order(), None, background=True):
                pass
        async with lane.open(order(), None):  # who left the queue has made room
            pass


async def test_a_listener_who_leaves_costs_a_message_and_nothing_else() -> None:
    async with running() as lane:
        await listen(lane, order())
        pid, files, tasks = lane.pid, _open_files(), len(asyncio.all_tasks())
        for _ in range(5):
            async with lane.open(order(segments=50, delay_ms=5), None) as ticket:
                await anext(ticket)
        cancelled = asyncio.create_task(listen(lane, order(segments=50, delay_ms=5)))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        assert len(await listen(lane, order())) == order().n_samples, "the next one is served by the same process"
        await until(lambda: len(asyncio.all_tasks()) <= tasks, 20)
        assert (lane.pid, lane.waiting, _open_files()) == (pid, 0, files)


@pytest.mark.chaos
async def test_a_child_that_does_not_heed_a_cancel_is_replaced() -> None:
    async with running(cancel_s=0.1) as lane:
        await listen(lane, order())
        pid, before = lane.pid, counter("sonotype_sonify_restarts_total", why="hang")
        async with lane.open(order(HANG), None) as ticket:
            await anext(ticket)
        assert len(await listen(lane, order())) == order().n_samples
        assert lane.pid != pid
        assert counter("sonotype_sonify_restarts_total", why="hang") == before + 1


@pytest.mark.chaos
async def test_a_crash_fails_one_order_and_the_next_finds_a_new_process() -> None:
    async with running() as lane:
        await listen(lane, order())
        pid = lane.pid
        error = await refused(lane, order(DIE))
        assert (error.code, error.retry_after_s) == (Code.UNAVAILABLE, 1.0)
        assert len(await listen(lane, order())) == order().n_samples
        assert lane.pid != pid
        pid = lane.pid
        os.kill(pid, signal.SIGKILL)  # while nobody waits
        await until(lambda: _ended(pid), 20)
        assert len(await listen(lane, order())) == order().n_samples, "nobody sees it"


@pytest.mark.chaos
async def test_a_hang_is_ended() -> None:
    async with running(hang_s=0.3, load_s=20) as lane:
        await listen(lane, order())
        assert (await refused(lane, order(HANG))).code is Code.UNAVAILABLE
        assert len(await listen(lane, order())) == order().n_samples


async def test_a_decoder_that_did_not_load_has_the_time_to_load_again() -> None:
    async with running(hang_s=0.3, load_s=20) as lane:
        asked = replace(order(), folder=FLAKY)
        assert (await refused(lane, asked)).code is Code.WEIGHTS_MISSING
        pid = lane.pid
        assert len(await listen(lane, asked)) == asked.n_samples
        assert lane.pid == pid


@pytest.mark.parametrize("seed", [RAISE, NAN, SHORT])
async def test_a_decoder_that_fails_fails_alone(seed: int) -> None:
    async with running() as lane:
        assert (await refused(lane, order(seed))).code is Code.ITEM_FAILED
        pid = lane.pid
        assert len(await listen(lane, order())) == order().n_samples
        assert lane.pid == pid


async def test_what_the_decoder_refuses_reaches_the_listener() -> None:
    async with running() as lane:
        error = await refused(lane, order(dim=5))
        assert error.code is Code.INVALID_REQUEST
        assert "16 numbers" in error.detail


@pytest.mark.chaos
async def test_a_child_that_floods_is_replaced() -> None:
    async with running() as lane:
        pid = await _pid(lane)
        async with lane.open(order(ENDLESS), None) as ticket:
            assert sum([len(block) async for block in ticket]) == order().n_samples, "no more than was ordered"
            await until(lambda: lane.pid != pid, 20)
        assert len(await listen(lane, order())) == order().n_samples


async def _pid(lane: SonifyLane) -> int:
    await listen(lane, order())
    return lane.pid


async def test_a_slow_listener_holds_a_bounded_number_of_bytes() -> None:
    async with running() as lane:
        asked = order(segments=60)  # 4 MB
        async with lane.open(asked, None) as ticket:
            ticket._most_bytes = 200_000
            count = len(await anext(ticket))
            await until(lambda: not ticket._room.is_set(), 20)
            assert ticket._held_bytes < 200_000 + 4 * 8192
            async for block in ticket:
                count += len(block)
        assert count == asked.n_samples


async def test_a_deadline_ends_both_sides() -> None:
    async with running() as lane:
        await listen(lane, order(delay_ms=50))  # the child keeps the decoder that it loads first, delay included
        loop = asyncio.get_running_loop()
        assert (await refused(lane, order(segments=99, delay_ms=50), deadline=loop.time() + 0.1)).code is (
            Code.DEADLINE_EXCEEDED
        )
        async with lane.open(order(segments=60), loop.time() + 0.2) as ticket:  # nobody listens
            ticket._most_bytes = 1
            await until(lambda: ticket.outcome is not None, 20)
            assert ticket.outcome == Code.DEADLINE_EXCEEDED
        assert len(await listen(lane, order())) == order().n_samples


async def test_nothing_new_is_taken_while_draining_and_what_runs_ends() -> None:
    async with running() as lane, lane.open(order(delay_ms=50), None) as ticket:
        await anext(ticket)
        lane.draining = True
        assert (await refused(lane, order())).code is Code.DRAINING
        assert len([block async for block in ticket]) == BLOCKS - 1


async def test_the_end_of_the_lane_fails_what_waits_and_leaves_no_process() -> None:
    async with running() as lane:
        await listen(lane, order())
        pid = lane.pid
        waiting = asyncio.create_task(refused(lane, order(segments=99, delay_ms=50)))
        await until(lambda: lane._running is not None, 20)
        await lane.aclose()
        assert (await waiting).code is Code.UNAVAILABLE
        assert not Path(f"/proc/{pid}").exists()
    assert (await refused(lane, order())).code is Code.UNAVAILABLE


async def test_a_process_that_does_not_start_is_said_so() -> None:
    lane = SonifyLane(Engine(replace(program(), module="no_such_module"), hang_s=5), 8)
    lane.start()
    try:
        assert (await refused(lane, order())).code is Code.UNAVAILABLE
    finally:
        await lane.aclose()


async def test_a_ticket_ends_once() -> None:
    ticket = Ticket(order(), None)
    ticket.finish()
    ticket.fail(SonotypeError(Code.INTERNAL, "too late"))
    assert (ticket.outcome, [block async for block in ticket]) == ("done", [])


def _ended(pid: int) -> bool:
    path = Path(f"/proc/{pid}/stat")
    return not path.exists() or path.read_text().rpartition(")")[2].split()[0] == "Z"


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))
