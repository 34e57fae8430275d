from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sonotype.core.types import Lane
from sonotype.serving.policy import BatchPolicy, Capacity, Idle, Run, WaitUntil
from sonotype.serving.queues import Batch, BatchKey, Entry, Part, Queues, Source

KEYS = [BatchKey("a", "f", "repeat"), BatchKey("b", "f", "repeat")]
DELAY = {Lane.INTERACTIVE: 0.005, Lane.BULK: 0.05}
FAR = 1e9


def policy(**options: int) -> BatchPolicy:
    return BatchPolicy(DELAY, **options)


def source(queues: Queues, *, key: int = 0, lane: Lane = Lane.INTERACTIVE, deadline: float = FAR) -> Source:
    made = Source(KEYS[key], lane, deadline)
    queues.open(made)
    return made


def push(queues: Queues, into: Source, n: int, *, at: float = 0.0, cost_s: float = 1.0, first: int = 0) -> None:
    for row in range(first, first + n):
        queues.push(into, Entry(row, cost_s, at))


def run(decision: object) -> Batch:
    assert isinstance(decision, Run), decision
    return decision.batch


arrivals = st.lists(
    st.tuples(
        st.sampled_from([0, 1]),
        st.sampled_from(list(Lane)),
        st.integers(1, 9),  # rows
        st.floats(0.1, 6.0),  # cost of a row
        st.floats(0.0, 1.0),  # arrival
        st.sampled_from([FAR, FAR, 0.5]),  # deadline
        st.sampled_from(["fine", "fine", "fine", "left", "suspect", "open"]),
    ),
    max_size=12,
)
capacities = st.builds(
    Capacity,
    max_rows=st.integers(1, 10),
    budget_s=st.floats(0.5, 20.0),
    workers=st.integers(1, 5),
    bulk_running=st.integers(0, 4),
    prefetch=st.booleans(),
)


def fill(rows: list[tuple[int, Lane, int, float, float, float, str]]) -> tuple[Queues, list[Source]]:
    queues, sources = Queues(), []
    for key, lane, n, cost_s, at, deadline, state in rows:
        made = source(queues, key=key, lane=lane, deadline=deadline)
        push(queues, made, n, at=at, cost_s=cost_s)
        made.alive = state != "left"
        made.suspect = state == "suspect"
        made.more = state == "open"
        sources.append(made)
    return queues, sources


@settings(max_examples=300)
@given(arrivals, capacities, st.floats(0.0, 2.0))
def test_no_batch_breaks_a_limit_and_none_carries_expired_or_dead_rows(rows, capacity, now) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    queues, sources = fill(rows)
    doomed = {s for s in sources if s.alive and s.deadline <= now and s.waiting}
    decision = policy().next(now, queues, capacity)
    assert set(decision.dropped.expired) == doomed
    if isinstance(decision, Run):
        batch = decision.batch
        assert 1 <= batch.rows <= capacity.max_rows
        assert batch.rows == 1 or batch.cost_s <= capacity.budget_s * (1 + 1e-6)
        assert all(p.source.alive and p.source.deadline > now for p in batch.parts)
        assert all(p.source.key == batch.key and p.source.lane is batch.lane for p in batch.parts)
        assert len(batch.parts) == 1 or not any(p.source.suspect for p in batch.parts)
        if batch.lane is Lane.BULK:
            assert capacity.bulk_allowed
            assert not capacity.prefetch


@settings(max_examples=200)
@given(arrivals, st.integers(1, 10), st.floats(0.5, 20.0))
def test_everything_wanted_runs_once_and_in_order(rows, max_rows, budget_s) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """No starvation and no stall: with a free worker every live row comes out, also one dearer than the budget."""
    queues, sources = fill(rows)
    wanted = {s: len(s.waiting) for s in sources if s.alive and s.deadline > 2.0}
    ran: dict[Source, list[int]] = {s: [] for s in wanted}
    rule, now = policy(), 2.0
    for _ in range(1000):
        decision = rule.next(now, queues, Capacity(max_rows, budget_s))
        if not isinstance(decision, Run):
            break
        for part in decision.batch.parts:
            ran[part.source] += [entry.row for entry in part.entries]
    assert isinstance(decision, Idle)
    assert len(queues) == 0
    assert ran == {s: list(range(n)) for s, n in wanted.items()}


@settings(max_examples=200)
@given(arrivals, capacities, st.floats(0.0, 2.0))
def test_work_conserving(rows, capacity, now) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """A free worker is refused work only while mates may still come, and then only until the delay is over."""
    queues, sources = fill(rows)
    capacity = Capacity(capacity.max_rows, capacity.budget_s, capacity.workers, capacity.bulk_running)
    allowed = [Lane.INTERACTIVE, Lane.BULK] if capacity.bulk_allowed else [Lane.INTERACTIVE]
    live = [s for s in sources if s.alive and s.deadline > now and s.lane in allowed]
    decision = policy().next(now, queues, capacity)
    if not live:
        assert isinstance(decision, Idle)
    elif isinstance(decision, WaitUntil):
        assert now < decision.when <= max(s.waiting[0].arrived + DELAY[s.lane] for s in live)
        assert any(s.more for s in live)
    else:
        assert isinstance(decision, Run)


@settings(max_examples=100)
@given(st.integers(1, 40), st.integers(1, 8))
def test_halves_and_row_splits_lose_nothing(n_sources: int, cut: int) -> None:
    queues = Queues()
    for _ in range(n_sources):
        push(queues, source(queues), 2)
    batch = run(policy().next(1.0, queues, Capacity(1000, 1e6)))
    for left, right in (batch.halves_by_source(), batch.split_rows(cut)):
        assert [*left.entries, *right.entries] == [*batch.entries]
    assert batch.split_rows(cut)[0].rows == min(cut, batch.rows)


def test_a_long_clip_does_not_starve_a_short_one() -> None:
    queues = Queues()
    long = source(queues)
    push(queues, long, 1200)
    short = source(queues)
    push(queues, short, 10, at=0.001)
    rule, batches = policy(), 0
    while short.waiting:
        run(rule.next(1.0, queues, Capacity(8, 8.0)))
        batches += 1
    assert batches == 3  # 10 rows, half of each batch


def test_batch_waits_for_mates_then_goes() -> None:
    queues = Queues()
    push(queues, source(queues), 3, at=1.0)
    decision = policy().next(1.0, queues, Capacity(8, 8.0))
    assert isinstance(decision, WaitUntil)
    assert decision.when == 1.005
    assert run(policy().next(1.005, queues, Capacity(8, 8.0))).why == "delay"


def test_batch_goes_at_once_when_full_or_when_nothing_more_can_come() -> None:
    queues = Queues()
    item = source(queues)
    push(queues, item, 9, at=1.0)
    assert run(policy().next(1.0, queues, Capacity(8, 8.0))).why == "full"
    assert isinstance(policy().next(1.0, queues, Capacity(8, 8.0)), WaitUntil)
    item.more = False
    assert run(policy().next(1.0, queues, Capacity(8, 8.0))).why == "idle"


def test_batch_goes_early_for_a_near_deadline() -> None:
    queues = Queues()
    push(queues, source(queues, lane=Lane.BULK, deadline=1.06), 1, at=1.0)
    assert run(policy().next(1.02, queues, Capacity(8, 8.0))).why == "deadline"


def test_one_batch_in_eight_is_bulk_while_people_keep_coming() -> None:
    queues, lanes = Queues(), []
    push(queues, source(queues, lane=Lane.BULK), 100)
    rule = policy()
    for i in range(80):
        push(queues, source(queues), 8, at=float(i))
        lanes.append(run(rule.next(i + 1.0, queues, Capacity(8, 8.0))).lane)
    assert lanes.count(Lane.BULK) == 10
    assert lanes[:8] == [Lane.INTERACTIVE] * 7 + [Lane.BULK]


def test_bulk_holds_at_most_half_of_the_workers() -> None:
    for workers, running, allowed in ((1, 1, True), (2, 0, True), (2, 1, False), (3, 1, False), (4, 1, True)):
        queues = Queues()
        push(queues, source(queues, lane=Lane.BULK), 4)
        decision = policy().next(9.0, queues, Capacity(8, 8.0, workers, running))
        assert isinstance(decision, Run) is allowed


def test_second_slot_takes_only_a_full_interactive_batch_whose_turn_it_is() -> None:
    busy = Capacity(8, 8.0, prefetch=True)
    queues = Queues()
    push(queues, source(queues), 3)
    assert isinstance(policy().next(1.0, queues, busy), Idle)
    other = source(queues, key=1)
    push(queues, other, 8, at=0.5)
    assert isinstance(policy().next(1.0, queues, busy), Idle)  # the older, part-filled one comes first
    assert run(policy().next(1.0, queues, Capacity(8, 8.0))).key == KEYS[0]
    assert run(policy().next(1.0, queues, busy)).key == KEYS[1]
    bulk = source(queues, lane=Lane.BULK)
    push(queues, bulk, 8)
    assert isinstance(policy().next(1.0, queues, busy), Idle)


def test_suspects_run_alone_and_come_first_as_the_oldest() -> None:
    queues = Queues()
    suspects = [source(queues) for _ in range(2)]
    for suspect in suspects:
        push(queues, suspect, 1)
        suspect.suspect = True
    push(queues, source(queues), 4, at=0.1)
    rule = policy()
    batches = [run(rule.next(1.0, queues, Capacity(8, 8.0))) for _ in range(3)]
    assert [batch.why for batch in batches][:2] == ["suspect", "suspect"]
    assert [batch.rows for batch in batches] == [1, 1, 4]


def test_retries_go_first_and_shrink_to_what_the_worker_holds() -> None:
    queues = Queues()
    push(queues, source(queues), 8)
    batch = run(policy().next(1.0, queues, Capacity(8, 8.0)))
    push(queues, source(queues), 1)
    queues.retry([batch])
    sizes = [run(policy().next(1.0, queues, Capacity(3, 8.0))).rows for _ in range(4)]
    assert sizes == [3, 3, 2, 1]


def test_a_source_that_closes_leaves_no_rows_to_run_again() -> None:
    queues = Queues()
    gone, stays = source(queues), source(queues)
    push(queues, gone, 3)
    push(queues, stays, 2)
    queues.retry([run(policy().next(1.0, queues, Capacity(8, 8.0)))])
    assert queues.close(gone) == 3
    assert len(queues) == 2
    assert queues.close(stays) == 2
    assert not queues.retries
    queues.retry([Batch(KEYS[0], Lane.BULK, [Part(gone, [Entry(0, 1.0, 0.0)])], "retry")])
    assert len(queues) == 0, "nobody waits for what comes back after its caller left"
