from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Lane
from sonotype.serving.admission import Admission
from sonotype.serving.rate import ServiceRate


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def admission(max_s: float = 1000.0, *, rate: float = 10.0, **options: object) -> tuple[Admission, Clock]:
    clock = Clock()
    return Admission(max_s, rate=ServiceRate(rate), clock=clock, jitter=lambda: 0.0, **options), clock  # type: ignore[arg-type]


def refusal(gate: Admission, cost_s: float, *, lane: Lane = Lane.INTERACTIVE, left_s: float = 1e6, client=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    with pytest.raises(SonotypeError) as caught:
        gate.admit(cost_s, lane, 100.0 + left_s, client)
    return caught.value


def test_full_budget_refuses_with_the_time_it_takes_to_serve_what_waits() -> None:
    gate, _ = admission()
    permit = gate.admit(900, Lane.INTERACTIVE, 1e9)
    error = refusal(gate, 200)
    assert error.code is Code.OVERLOADED
    assert error.retry_after_s == 90
    permit.release()
    permit.release()
    assert gate.audio_s == 0
    with gate.admit(200, Lane.INTERACTIVE, 1e9):
        assert gate.audio_s == 200
    assert gate.audio_s == 0
    assert gate.permits == 0


@given(st.floats(-1, 1), st.floats(0.01, 5000))
def test_retry_after_is_a_whole_number_of_seconds_within_a_fifth(jitter: float, waiting_s: float) -> None:
    gate = Admission(waiting_s, rate=ServiceRate(10), clock=Clock(), jitter=lambda: jitter)
    with gate.admit(waiting_s, Lane.BULK, 1e9):
        error = refusal(gate, 0.005)
    assert error.retry_after_s == int(error.retry_after_s) >= 1
    assert waiting_s / 10 * 0.8 <= error.retry_after_s <= max(1, waiting_s / 10 * 1.2 + 1)


def test_what_cannot_be_done_before_the_deadline_is_refused_now() -> None:
    gate, _ = admission()
    with gate.admit(300, Lane.INTERACTIVE, 1e9):
        assert refusal(gate, 1, left_s=29).code is Code.OVERLOADED
        with gate.admit(1, Lane.INTERACTIVE, 100 + 31):
            pass
    assert refusal(gate, 1, left_s=-1).code is Code.DEADLINE_EXCEEDED


def test_people_do_not_wait_for_bulk() -> None:
    gate, _ = admission()
    with gate.admit(900, Lane.BULK, 1e9):
        assert refusal(gate, 1, lane=Lane.BULK, left_s=10).code is Code.OVERLOADED
        with gate.admit(1, Lane.INTERACTIVE, 100 + 10):
            pass


def test_item_larger_than_everything_is_refused_and_blocks_nobody() -> None:
    """Case 22."""
    gate, _ = admission()
    error = refusal(gate, 1001)
    assert error.code is Code.AUDIO_TOO_LONG
    assert error.meaning.http == 413
    with gate.admit(10, Lane.INTERACTIVE, 1e9) as permit:
        permit.correct(500)
        assert gate.audio_s == 500
        permit.correct(20)  # decoding has not come further yet: the larger number stays
        assert gate.audio_s == 500
        with pytest.raises(SonotypeError) as caught:
            permit.correct(1001)
        assert caught.value.code is Code.AUDIO_TOO_LONG


def test_draining_refuses_everything() -> None:
    gate, _ = admission()
    gate.draining = True
    assert refusal(gate, 1).code is Code.DRAINING


def test_quota_per_key_refills_by_the_minute() -> None:
    gate, clock = admission(key_audio_s_per_minute=60.0)
    gate.admit(50, Lane.INTERACTIVE, 1e9, "k").release()
    error = refusal(gate, 30, client="k")
    assert error.code is Code.RATE_LIMITED
    assert error.retry_after_s == 20
    gate.admit(30, Lane.INTERACTIVE, 1e9, "other").release()
    gate.admit(30, Lane.INTERACTIVE, 1e9).release()
    clock.now += 20
    gate.admit(30, Lane.INTERACTIVE, 1e9, "k").release()
    never = refusal(gate, 61, client="k")
    assert never.code is Code.RATE_LIMITED
    assert never.retry_after_s is None
    assert "retry will not help" in never.detail


def test_quota_follows_what_was_decoded() -> None:
    gate, _ = admission(key_audio_s_per_minute=60.0)
    with gate.admit(40, Lane.INTERACTIVE, 1e9, "k") as permit:
        permit.correct(10)
    gate.admit(50, Lane.INTERACTIVE, 1e9, "k").release()
    assert refusal(gate, 1, client="k").code is Code.RATE_LIMITED


def test_rate_is_measured_only_while_there_is_enough_to_do() -> None:
    gate, clock = admission(1e6, rate=10.0, saturated_at=2)
    for _ in range(50):  # one request at a time says nothing about capacity
        with gate.admit(10, Lane.INTERACTIVE, 1e9):
            clock.now += 5
    assert gate.rate.per_s == 10
    held = [gate.admit(100, Lane.INTERACTIVE, 1e9) for _ in range(3)]
    for _ in range(100):
        clock.now += 1
        held.pop(0).release()
        held.append(gate.admit(100, Lane.INTERACTIVE, 1e9))
    assert gate.rate.per_s == pytest.approx(100, rel=0.02)


@given(st.lists(st.tuples(st.sampled_from(["admit", "release", "correct"]), st.floats(0.1, 400)), max_size=60))
def test_books_always_balance(steps: list[tuple[str, float]]) -> None:
    gate, _ = admission()
    held = []
    for what, amount in steps:
        if what == "admit" and gate.audio_s + amount <= 1000:
            held.append(gate.admit(amount, Lane.BULK, 1e9))
        elif what == "correct" and held:
            held[0].correct(amount)
        elif what == "release" and held:
            held.pop().release()
        assert gate.audio_s == pytest.approx(sum(permit.cost_s for permit in held))
    for permit in held:
        permit.release()
    assert gate.audio_s == 0
