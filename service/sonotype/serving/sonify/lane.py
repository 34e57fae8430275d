"""The lane of sonification: its own queue, so that analysis never waits for it, and a bound on that queue."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from sonotype.core.errors import Code, SonotypeError, draining
from sonotype.serving.sonify.engine import Engine
from sonotype.serving.sonify.order import Order
from sonotype.serving.sonify.ticket import Ticket
from sonotype.telemetry import metrics

_FIRST_GUESS_S = 1.0
_MEMORY = 0.8  # of the running mean of how long an order takes


class SonifyLane:
    """Serves orders in turn: those that somebody waits for first, those of the background when there are no others.

    One of the background that has begun gives way between two steps and is made again afterwards, a few times at most.

    Args:
        engine: the process.
        most_waiting: orders with a listener that may wait or run; more are refused.
    """

    def __init__(self, engine: Engine, most_waiting: int) -> None:
        self.draining = False
        self._engine = engine
        self._most_waiting = most_waiting
        self._waiting: deque[Ticket] = deque()
        self._background: deque[Ticket] = deque()
        self._running: Ticket | None = None
        self._arrived = asyncio.Event()
        self._mean_s = _FIRST_GUESS_S
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve; the process starts with the first order."""
        self._task = asyncio.create_task(self._serve(), name="sonify-lane")

    async def aclose(self) -> None:
        """End the process; orders that are not done fail with `unavailable`."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._engine.aclose()
        for ticket in [*([self._running] if self._running else []), *self._waiting, *self._background]:
            ticket.fail(_unavailable())
        self._waiting.clear()
        self._background.clear()

    @property
    def waiting(self) -> int:
        """Orders with a listener that wait."""
        return len(self._waiting)

    @property
    def pid(self) -> int:
        """Process id of the child, 0 if there is none."""
        return self._engine.pid

    @asynccontextmanager
    async def open(self, order: Order, deadline: float | None, *, background: bool = False) -> AsyncIterator[Ticket]:
        """Queue an order and yield its blocks; leaving the context abandons what is not done.

        Args:
            order: what to make.
            deadline: time of the event loop after which nobody waits for it any more.
            background: let all others go first; such orders are not bounded, their maker awaits each.

        Raises:
            SonotypeError: `draining`, `unavailable` (not started) or `overloaded`; the blocks raise further codes.
        """
        self.check(background=background)
        ticket = Ticket(order, deadline, background=background)
        (self._background if background else self._waiting).append(ticket)
        if not background and self._running is not None:
            self._running.give_way()
        self._arrived.set()
        self._count()
        try:
            yield ticket
        finally:
            ticket.leave()
            self._forget(ticket)

    def check(self, *, background: bool = False) -> None:
        """Refuse now what `open` would refuse: nobody should prepare an order that there is no room for.

        Raises:
            SonotypeError: `draining`, `unavailable` (not started) or `overloaded`.
        """
        if self.draining:
            raise draining(self._retry_after_s())
        if self._task is None:
            raise _unavailable()
        ahead = self.waiting + (self._running is not None and not self._running.background)
        if not background and ahead >= self._most_waiting:
            raise SonotypeError(
                Code.OVERLOADED, "Too many sonifications are waiting.", retry_after_s=self._retry_after_s()
            )

    def _retry_after_s(self) -> float:
        return float(max(1, math.ceil((self.waiting + 1) * self._mean_s)))

    def _forget(self, ticket: Ticket) -> None:
        """A ticket that never ran makes room for others at once."""
        for queue in (self._waiting, self._background):
            if ticket in queue:
                queue.remove(ticket)
                ticket.fail(SonotypeError(Code.CANCELLED, "The caller left."))
                self._record(ticket)
        self._count()

    async def _serve(self) -> None:
        while True:
            ticket = self._running = await self._next()
            metrics.SONIFY_SECONDS.labels("queue").observe(monotonic() - ticket.queued_at)
            began = monotonic()
            if await self._engine.up():
                await self._engine.run(ticket)
            else:
                ticket.fail(_unavailable())
            self._running = None
            if ticket.again():
                self._background.appendleft(ticket)
                continue
            self._mean_s = _MEMORY * self._mean_s + (1 - _MEMORY) * (monotonic() - began)
            self._record(ticket)
            await self._engine.up()  # after an accident, before somebody waits for it

    async def _next(self) -> Ticket:
        while not self._waiting and not self._background:
            self._arrived.clear()
            await self._arrived.wait()
        ticket = (self._waiting or self._background).popleft()
        self._count()
        return ticket

    def _count(self) -> None:
        metrics.SONIFY_QUEUE.set(self.waiting)

    @staticmethod
    def _record(ticket: Ticket) -> None:
        lane = "background" if ticket.background else "interactive"
        metrics.SONIFICATIONS.labels(lane, ticket.outcome or "unavailable").inc()


def _unavailable() -> SonotypeError:
    return SonotypeError(Code.UNAVAILABLE, "The sonification process is not available.", retry_after_s=2.0)
