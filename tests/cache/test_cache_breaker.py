from __future__ import annotations

import pytest

from sonotype.serving.cache.breaker import Breaker


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(failures=5, open_s=10.0, clock=clock)


def fail(breaker: Breaker, times: int = 5) -> None:
    for _ in range(times):
        assert breaker.allow()
        breaker.failure()


def test_opens_at_the_fifth_failure_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 4)
    assert not breaker.is_open
    fail(breaker, 1)
    assert breaker.is_open
    assert not breaker.allow()


def test_a_success_in_between_starts_the_count_anew(breaker: Breaker) -> None:
    fail(breaker, 4)
    breaker.success()
    fail(breaker, 4)
    assert not breaker.is_open


def test_lets_one_probe_through_after_the_pause(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now = 9.9
    assert not breaker.allow()
    clock.now = 10.0
    assert [breaker.allow() for _ in range(5)] == [True, False, False, False, False]


def test_a_good_probe_closes_and_a_bad_one_waits_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now = 10.0
    assert breaker.allow()
    breaker.failure()
    clock.now = 19.9
    assert not breaker.allow()
    clock.now = 20.0
    assert breaker.allow()
    breaker.success()
    assert not breaker.is_open
    fail(breaker, 4)
    assert not breaker.is_open


def test_a_probe_that_never_reports_is_replaced(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now = 10.0
    assert breaker.allow()
    clock.now = 20.0
    assert breaker.allow()
