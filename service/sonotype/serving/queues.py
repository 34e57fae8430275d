"""What waits for a worker: rows of clips, grouped by what can share a batch. Plain data, no clock and no lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sonotype.core.types import Lane, Patchout

CloseReason = Literal["full", "delay", "deadline", "idle", "suspect", "retry"]


@dataclass(frozen=True, slots=True)
class BatchKey:
    """What rows must share to be computed together; `patchout` decides how many tokens a row has."""

    model: str
    frontend: str
    fill: str
    patchout: Patchout | None = None


@dataclass(slots=True, eq=False)
class Entry:
    """One row that waits.

    Attributes:
        row: place of the row in its item, from 0.
        cost_s: seconds of audio the network computes for it.
        arrived: when it came, on the caller's clock.
        payload: the window itself; the policy never looks at it.
    """

    row: int
    cost_s: float
    arrived: float
    payload: Any = None


@dataclass(slots=True, eq=False)
class Source:
    """One item (a clip in front of one model) as the policy sees it: its waiting rows, in order.

    Attributes:
        key: what it can share a batch with.
        lane: interactive or bulk.
        deadline: after this nobody wants the answer, on the caller's clock.
        alive: the caller still waits.
        more: further rows may still come.
        suspect: a worker died with rows of it; it runs alone until it has proved harmless.
        waiting: rows in order.
    """

    key: BatchKey
    lane: Lane
    deadline: float
    alive: bool = True
    more: bool = True
    suspect: bool = False
    waiting: deque[Entry] = field(default_factory=deque)


@dataclass(slots=True, eq=False)
class Part:
    """The consecutive rows of one source in a batch."""

    source: Source
    entries: list[Entry]


@dataclass(slots=True, eq=False)
class Batch:
    """Rows of one key that run together, grouped by source, each source's rows in order."""

    key: BatchKey
    lane: Lane
    parts: list[Part]
    why: CloseReason

    @property
    def entries(self) -> Iterator[Entry]:
        """All rows in the order in which they lie in the slab."""
        return (entry for part in self.parts for entry in part.entries)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(len(part.entries) for part in self.parts)

    @property
    def cost_s(self) -> float:
        """Seconds of audio."""
        return sum(entry.cost_s for entry in self.entries)

    def halves_by_source(self) -> tuple[Batch, Batch]:
        """Split between clips: to find the one that makes a batch fail."""
        middle = len(self.parts) // 2
        return self._with(self.parts[:middle]), self._with(self.parts[middle:])

    def split_rows(self, n: int) -> tuple[Batch, Batch]:
        """Split after `n` rows: for a worker that cannot hold them all."""
        head: list[Part] = []
        tail: list[Part] = []
        for part in self.parts:
            if part.entries[:n]:
                head.append(Part(part.source, part.entries[:n]))
            if part.entries[n:]:
                tail.append(Part(part.source, part.entries[n:]))
            n = max(0, n - len(part.entries))
        return self._with(head), self._with(tail)

    def _with(self, parts: list[Part]) -> Batch:
        return Batch(self.key, self.lane, parts, "retry")


class Group:
    """Sources of one lane and key: a ring, so that every clip gets its turn."""

    def __init__(self) -> None:
        self.ring: deque[Source] = deque()
        self.members: set[Source] = set()  # identity hashing: also those with nothing waiting

    def more_may_come(self) -> bool:
        """Whether an open item of this group can still add rows."""
        return any(source.more and source.alive for source in self.members)


class Queues:
    """All waiting rows: groups by lane and key, and batches to run again, which go first.

    `interactive_run` counts interactive batches taken in a row while bulk waited; the policy keeps it.
    """

    def __init__(self) -> None:
        self.groups: dict[Lane, dict[BatchKey, Group]] = {lane: {} for lane in Lane}
        self.retries: deque[Batch] = deque()
        self.interactive_run = 0

    def open(self, source: Source) -> None:
        """Announce a source; it may add rows until `more` is cleared."""
        self._group(source).members.add(source)

    def push(self, source: Source, entry: Entry) -> None:
        """Append a row to its source."""
        if not source.waiting:
            self._group(source).ring.append(source)
        source.waiting.append(entry)

    def put_back(self, source: Source, entries: Sequence[Entry]) -> None:
        """Return rows that were taken to the head of their source, in order."""
        if not source.waiting:
            self._group(source).ring.appendleft(source)
        source.waiting.extendleft(reversed(entries))

    def retry(self, batches: Sequence[Batch]) -> None:
        """Queue formed batches to run before anything else, without the rows that nobody waits for any more."""
        for batch in batches:
            batch.parts = [part for part in batch.parts if part.source.alive]
        self.retries.extend(batch for batch in batches if batch.parts)

    def close(self, source: Source) -> int:
        """Forget a source and its waiting rows; returns how many rows waited."""
        source.alive = False
        source.more = False
        group = self._group(source)
        group.members.discard(source)
        if source.waiting:
            group.ring.remove(source)
        if not group.members and not group.ring:
            self.groups[source.lane].pop(source.key, None)
        waited = len(source.waiting) + self._forget_retries(source)
        source.waiting.clear()
        return waited

    def _forget_retries(self, source: Source) -> int:
        """Take a source out of the batches to run again; returns how many rows it had there."""
        rows = sum(len(part.entries) for batch in self.retries for part in batch.parts if part.source is source)
        if rows:
            for batch in self.retries:
                batch.parts = [part for part in batch.parts if part.source is not source]
            self.retries = deque(batch for batch in self.retries if batch.parts)
        return rows

    def holders(self) -> Iterator[Source]:
        """Every source with rows that wait or are to run again; one may come more than once."""
        yield from self.sources()
        yield from (part.source for batch in self.retries for part in batch.parts)

    def sources(self) -> Iterator[Source]:
        """Every source with waiting rows."""
        for lane in self.groups.values():
            for group in lane.values():
                yield from group.ring

    def __len__(self) -> int:
        waiting = sum(len(source.waiting) for source in self.sources())
        return waiting + sum(batch.rows for batch in self.retries)

    def _group(self, source: Source) -> Group:
        return self.groups[source.lane].setdefault(source.key, Group())
