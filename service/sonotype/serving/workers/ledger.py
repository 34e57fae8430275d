"""What a worker holds: batches in the order in which it runs them, their slots, and a watch on the one that runs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sonotype.serving.workers.outcome import DeathReason, Died, Outcome
from sonotype.serving.workers.served import SLOTS, Shape


@dataclass(slots=True, eq=False)
class Flight:
    """A batch that a worker holds; `on_outcome` is called exactly once."""

    number: int
    slot: int
    rows: int
    bulk: bool
    shape: Shape
    on_outcome: Callable[[Outcome], None]


class Ledger:
    """Batches in flight, first one running.

    Args:
        timeout_s: a batch that runs longer is a hang.
        on_hang: called then.
    """

    def __init__(self, timeout_s: float, on_hang: Callable[[], None]) -> None:
        self._timeout_s = timeout_s
        self._on_hang = on_hang
        self._flights: deque[Flight] = deque()
        self._free_slots = list(range(SLOTS))
        self._next_number = 0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._flights)

    @property
    def has_slot(self) -> bool:
        """Whether one more batch fits."""
        return bool(self._free_slots)

    @property
    def has_bulk(self) -> bool:
        """Whether one of the batches is bulk."""
        return any(flight.bulk for flight in self._flights)

    def board(self, rows: int, shape: Shape, on_outcome: Callable[[Outcome], None], *, bulk: bool) -> Flight:
        """Give a batch its slot and number."""
        flight = Flight(self._next_number, self._free_slots.pop(), rows, bulk, shape, on_outcome)
        self._next_number += 1
        self._flights.append(flight)
        if len(self._flights) == 1:
            self._watch()
        return flight

    def running(self, number: int) -> Flight:
        """The batch that runs.

        Raises:
            ValueError: it is not the one named `number`; the worker has lost its way.
        """
        if not self._flights or self._flights[0].number != number:
            raise ValueError("an answer out of order")
        return self._flights[0]

    def land(self, outcome: Outcome) -> None:
        """The running batch is over; its slot is free once its owner has seen the outcome."""
        flight = self._flights.popleft()
        self._watch()
        flight.on_outcome(outcome)
        self._free_slots.append(flight.slot)

    def fail_all(self, why: DeathReason) -> None:
        """The worker is dead: the first batch was running, the others had not begun."""
        flights = list(self._flights)
        self._flights.clear()
        self._watch()
        self._free_slots = list(range(SLOTS))
        for index, flight in enumerate(flights):
            flight.on_outcome(Died(index == 0, why))

    def _watch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._flights:
            self._timer = asyncio.get_running_loop().call_later(self._timeout_s, self._on_hang)
