"""Case 25: one computation for a hundred callers, whoever of them leaves; and once among two processes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sonotype.core.errors import Code, SonotypeError
from sonotype.serving.cache import SingleFlight
from sonotype.serving.cache.memory import MemoryStore

COMPETE = Path(__file__).with_name("compete.py")


class Work:
    """A computation that counts how often it began, ended and was cancelled."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun = self.ended = self.cancelled = 0
        self.gate = asyncio.Event()
        self.error = error

    async def __call__(self) -> str:
        self.begun += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        self.ended += 1
        return "value"


async def nothing() -> str | None:
    return None


def flights() -> SingleFlight:
    return SingleFlight(MemoryStore())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_hundred_callers_one_computation() -> None:
    flight, work = flights(), Work()
    callers = [asyncio.create_task(flight.run("k", work, nothing)) for _ in range(100)]
    await settle()
    work.gate.set()
    assert await asyncio.gather(*callers) == ["value"] * 100
    assert work.begun == 1


async def test_other_keys_and_later_callers_compute_for_themselves() -> None:
    flight, work = flights(), Work()
    work.gate.set()
    await asyncio.gather(flight.run("a", work, nothing), flight.run("b", work, nothing))
    await flight.run("a", work, nothing)
    assert work.begun == 3


async def test_the_leader_leaves_and_the_others_get_their_answer() -> None:
    flight, work = flights(), Work()
    callers = [asyncio.create_task(flight.run("k", work, nothing)) for _ in range(100)]
    await settle()
    callers[0].cancel()
    await settle()
    work.gate.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == ["value"] * 99
    assert (work.begun, work.cancelled) == (1, 0)


async def test_when_all_leave_the_computation_is_dropped_and_the_next_starts_anew() -> None:
    flight, work = flights(), Work()
    callers = [asyncio.create_task(flight.run("k", work, nothing)) for _ in range(3)]
    await settle()
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    late = asyncio.create_task(flight.run("k", work, nothing))
    await settle()
    work.gate.set()
    assert await late == "value"
    assert (work.begun, work.cancelled, work.ended) == (2, 1, 1)


async def test_a_failure_of_the_audio_is_shared() -> None:
    flight, work = flights(), Work(SonotypeError(Code.UNDECODABLE, "broken"))
    callers = [asyncio.create_task(flight.run("k", work, nothing)) for _ in range(10)]
    await settle()
    work.gate.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert all(isinstance(r, SonotypeError) and r.code is Code.UNDECODABLE for r in results)
    assert work.begun == 1


@pytest.mark.parametrize("code", [Code.DEADLINE_EXCEEDED, Code.RATE_LIMITED, Code.CANCELLED])
async def test_a_failure_of_the_leader_is_not(code: Code) -> None:
    flight, bad, good = flights(), Work(SonotypeError(code, "mine")), Work()
    leader = asyncio.create_task(flight.run("k", bad, nothing))
    await settle()
    others = [asyncio.create_task(flight.run("k", good, nothing)) for _ in range(10)]
    await settle()
    bad.gate.set()
    good.gate.set()
    with pytest.raises(SonotypeError, match="mine"):
        await leader
    assert await asyncio.gather(*others) == ["value"] * 10
    assert (bad.begun, good.begun) == (1, 1)


async def test_a_cancellation_inside_the_computation_is_no_cancellation_of_the_callers() -> None:
    async def cancels_itself() -> str:
        raise asyncio.CancelledError

    with pytest.raises(SonotypeError, match="cancelled"):
        await flights().run("k", cancels_itself, nothing)


async def test_errors_nobody_waits_for_are_not_reported_as_lost(caplog: pytest.LogCaptureFixture) -> None:
    class Stubborn(Work):
        async def __call__(self) -> str:
            try:
                return await super().__call__()
            except asyncio.CancelledError:
                raise ValueError("late") from None

    flight, work = flights(), Stubborn()
    caller = asyncio.create_task(flight.run("k", work, nothing))
    await settle()
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    await settle()
    assert not caplog.records


class Elsewhere(MemoryStore):
    """A store whose locks another process holds for the first `held` tries."""

    def __init__(self, held: int) -> None:
        super().__init__()
        self.held = held
        self.unlocked = 0

    async def try_lock(self, key: str, ttl_s: float) -> bool:
        self.held -= 1
        return self.held < 0

    async def unlock(self, key: str) -> None:
        self.unlocked += 1


async def run_elsewhere(store: Elsewhere, peek: Callable[[], Awaitable[str | None]], work: Work) -> str:
    work.gate.set()
    return await SingleFlight(store, wait_s=0.2, poll_s=0.01).run("k", work, peek)


async def test_a_value_from_another_process_ends_the_wait() -> None:
    store, work = Elsewhere(10**6), Work()
    seen = iter([None, None, "theirs"])

    async def peek() -> str | None:
        return next(seen)

    assert await run_elsewhere(store, peek, work) == "theirs"
    assert (work.begun, store.unlocked) == (0, 0)


async def test_another_process_that_gave_up_leaves_the_work_to_us() -> None:
    store, work = Elsewhere(3), Work()
    assert await run_elsewhere(store, nothing, work) == "value"
    assert (work.begun, store.unlocked) == (1, 1)


async def test_another_process_that_hangs_is_waited_for_within_bounds() -> None:
    store, work = Elsewhere(10**6), Work()
    assert await run_elsewhere(store, nothing, work) == "value"
    assert (work.begun, store.unlocked) == (1, 0)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_two_processes_compute_once(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    place = str(tmp_path) if kind == "sqlite" else request.getfixturevalue("redis_url")
    command = [sys.executable, str(COMPETE), place, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate(timeout=60)[0].split() for process in processes]
    assert all(process.returncode == 0 for process in processes)
    assert answers[0] == answers[1] != []
    computed = (tmp_path / "computed").read_text().split()
    assert len(computed) == len(set(computed)) == 5
