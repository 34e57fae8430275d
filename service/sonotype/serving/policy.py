"""Which rows run next: a pure decision over the queues, without clock, lock or I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sonotype.core.types import Lane
from sonotype.serving.queues import Batch, BatchKey, CloseReason, Entry, Group, Part, Queues, Source


@dataclass(slots=True)
class Dropped:
    """Rows that were taken out of the queue without being run.

    Attributes:
        expired: sources whose deadline passed while rows waited.
        dead_rows: rows skipped because nobody waits for them any more.
    """

    expired: list[Source] = field(default_factory=list)
    dead_rows: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """Run this batch now."""

    batch: Batch
    dropped: Dropped


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Nothing is due before `when`, unless a row or a worker arrives."""

    when: float
    dropped: Dropped


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing to do until a row or a worker arrives."""

    dropped: Dropped


Decision = Run | WaitUntil | Idle


@dataclass(frozen=True, slots=True)
class Capacity:
    """The worker that asks, and the state of the others as far as it matters.

    Attributes:
        max_rows: most rows this worker takes in one batch.
        budget_s: most seconds of audio this worker takes in one batch.
        workers: workers that are up.
        bulk_running: workers that hold a bulk batch.
        prefetch: the worker is busy and asks for its second slot.
    """

    max_rows: int
    budget_s: float
    workers: int = 1
    bulk_running: int = 0
    prefetch: bool = False

    @property
    def bulk_allowed(self) -> bool:
        """Bulk holds at most half of the workers, where there is more than one."""
        return self.workers <= 1 or self.bulk_running < self.workers // 2


@dataclass(frozen=True, slots=True)
class _Choice:
    oldest: float
    group: Group
    key: BatchKey
    why: CloseReason
    suspect: Source | None


class BatchPolicy:
    """Patches of many clips in one batch: interactive first, a floor for bulk, every clip in turn.

    Args:
        delay_s: longest wait for batch-mates, per lane.
        bulk_floor: one batch in this many is bulk when bulk waits.
    """

    def __init__(self, delay_s: Mapping[Lane, float], *, bulk_floor: int = 8) -> None:
        self._delay_s = dict(delay_s)
        self._bulk_floor = max(2, bulk_floor)

    def next(self, now: float, queues: Queues, capacity: Capacity) -> Decision:
        """Take the next batch for one worker out of the queues.

        A batch closes when it is full, when its oldest row has waited long enough, when a deadline comes near or when
        no open item can add to it. A row that costs more than the whole budget runs alone, so it stalls nobody.
        For a second slot only a full interactive batch is taken, and only if it would have been the next one anyway:
        a part-filled one gains mates while it waits, and a bulk one would stand in the way of a person.
        """
        dropped = Dropped()
        self._prune(now, queues, dropped)
        if (batch := self._retry(queues, capacity)) is not None:
            return Run(batch, dropped)
        wake: list[float] = []
        for lane in self._lanes(queues, capacity):
            choice = self._choose(now, queues, lane, capacity, wake)
            if choice is None:
                continue
            if capacity.prefetch and (lane is Lane.BULK or choice.why != "full"):
                return Idle(dropped)
            return Run(self._take(queues, lane, choice, capacity), dropped)
        return WaitUntil(min(wake), dropped) if wake else Idle(dropped)

    def _prune(self, now: float, queues: Queues, dropped: Dropped) -> None:
        for source in [s for s in queues.holders() if not s.alive or s.deadline <= now]:
            if source.alive:
                dropped.expired.append(source)
            dropped.dead_rows += queues.close(source)

    def _retry(self, queues: Queues, capacity: Capacity) -> Batch | None:
        for index, batch in enumerate(queues.retries):
            if batch.lane is Lane.BULK and not capacity.bulk_allowed:
                continue
            del queues.retries[index]
            fits = _fitting(batch.entries, capacity)
            head, tail = batch.split_rows(fits)
            if tail.parts:
                queues.retries.insert(index, tail)
            return head
        return None

    def _lanes(self, queues: Queues, capacity: Capacity) -> Iterator[Lane]:
        bulk_due = queues.interactive_run >= self._bulk_floor - 1
        order = (Lane.BULK, Lane.INTERACTIVE) if bulk_due else (Lane.INTERACTIVE, Lane.BULK)
        return (lane for lane in order if lane is Lane.INTERACTIVE or capacity.bulk_allowed)

    def _choose(self, now: float, queues: Queues, lane: Lane, capacity: Capacity, wake: list[float]) -> _Choice | None:
        """The due group whose oldest row waited longest; notes in `wake` when the others fall due."""
        best: _Choice | None = None
        for key, group in queues.groups[lane].items():
            if not group.ring:
                continue
            oldest = min(group.ring, key=_arrived)
            due, why = self._due(now, group, lane, capacity)
            if why is None:
                wake.append(due)
            elif best is None or _arrived(oldest) < best.oldest:
                best = _Choice(_arrived(oldest), group, key, why, oldest if oldest.suspect else None)
        return best

    def _due(self, now: float, group: Group, lane: Lane, capacity: Capacity) -> tuple[float, CloseReason | None]:
        delay_s = self._delay_s[lane]
        if _is_full(group, capacity):
            return now, "full"
        by_delay = min(map(_arrived, group.ring)) + delay_s
        by_deadline = min(source.deadline for source in group.ring) - delay_s
        if by_delay <= now:
            return now, "delay"
        if by_deadline <= now:
            return now, "deadline"
        if any(source.suspect for source in group.ring) or not group.more_may_come():
            return now, "idle"
        return min(by_delay, by_deadline), None

    def _take(self, queues: Queues, lane: Lane, choice: _Choice, capacity: Capacity) -> Batch:
        bulk_waits = any(group.ring for group in queues.groups[Lane.BULK].values())
        queues.interactive_run = queues.interactive_run + 1 if bulk_waits and lane is not Lane.BULK else 0
        why: CloseReason = choice.why
        if choice.suspect is None and all(source.suspect for source in choice.group.ring):
            choice = _Choice(choice.oldest, choice.group, choice.key, why, choice.group.ring[0])
        if choice.suspect is not None:
            parts = _take_alone(choice.group, choice.suspect, capacity)
            return Batch(choice.key, lane, parts, "suspect")
        return Batch(choice.key, lane, _take_in_turn(choice.group, capacity), why)


def _arrived(source: Source) -> float:
    return source.waiting[0].arrived


def _fits(rows: int, cost_s: float, entry: Entry, capacity: Capacity) -> bool:
    # the tolerance keeps 8 rows of 2.992 s within a budget of 23.936 s
    return rows == 0 or (rows < capacity.max_rows and cost_s + entry.cost_s <= capacity.budget_s * (1 + 1e-9))


def _fitting(entries: Iterator[Entry], capacity: Capacity) -> int:
    """How many of the first entries one batch may hold; at least one."""
    rows, cost_s = 0, 0.0
    for entry in entries:
        if not _fits(rows, cost_s, entry, capacity):
            break
        rows, cost_s = rows + 1, cost_s + entry.cost_s
    return rows


def _is_full(group: Group, capacity: Capacity) -> bool:
    """Whether the waiting rows fill a batch: one more row like the last would not fit."""
    rows, cost_s = 0, 0.0
    for source in group.ring:
        for entry in source.waiting:
            rows, cost_s = rows + 1, cost_s + entry.cost_s
            if not _fits(rows, cost_s, entry, capacity):
                return True
    return False


def _take_alone(group: Group, source: Source, capacity: Capacity) -> list[Part]:
    n = _fitting(iter(source.waiting), capacity)
    taken = [source.waiting.popleft() for _ in range(n)]
    group.ring.remove(source)
    if source.waiting:
        group.ring.append(source)
    return [Part(source, taken)]


def _take_in_turn(group: Group, capacity: Capacity) -> list[Part]:
    """One row of each clip in turn until the batch is full; suspects are passed over."""
    taken: dict[Source, list[Entry]] = {}
    suspects = [source for source in group.ring if source.suspect]
    ring = group.ring
    for source in suspects:
        ring.remove(source)
    rows, cost_s = 0, 0.0
    while ring and _fits(rows, cost_s, ring[0].waiting[0], capacity):
        source = ring.popleft()
        entry = source.waiting.popleft()
        taken.setdefault(source, []).append(entry)
        rows, cost_s = rows + 1, cost_s + entry.cost_s
        if source.waiting:
            ring.append(source)
    ring.extendleft(reversed(suspects))
    return [Part(source, entries) for source, entries in taken.items()]
