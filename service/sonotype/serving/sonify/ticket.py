"""One order's place in the lane, and the samples that are made for it."""

from __future__ import annotations

import asyncio
from time import monotonic

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.serving.sonify.order import Order

# As much as most orders take, so that a slow listener does not keep the process from the next order.
MOST_BYTES = 4 * 2**20
# Times that one order lets others go first: somebody may have joined who waits for it.
MOST_YIELDS = 3


class Ticket:
    """Blocks go in on the lane's side, and come out for one listener, who may leave at any time.

    Args:
        order: what is to be made.
        deadline: time of the event loop after which neither side waits.
        background: it waits until nobody else wants the lane.
        most_bytes: of samples that wait for the listener.
    """

    def __init__(
        self, order: Order, deadline: float | None, *, background: bool = False, most_bytes: int = MOST_BYTES
    ) -> None:
        self.order = order
        self.deadline = deadline
        self.background = background
        self.left = asyncio.Event()
        # the process is to stop: the listener has left, or somebody else goes first
        self.stopped = asyncio.Event()
        self.outcome: str | None = None
        self.queued_at = monotonic()
        self._blocks: asyncio.Queue[Floats | SonotypeError | None] = asyncio.Queue()
        self._room = asyncio.Event()
        self._room.set()
        self._most_bytes = most_bytes
        self._held_bytes = 0
        self._n_made = self._n_put = self._yields = 0

    def __aiter__(self) -> Ticket:
        return self

    async def __anext__(self) -> Floats:
        """The next block, mono float32, shape [n].

        Raises:
            SonotypeError: what ended the order before its time, or `deadline_exceeded`.
        """
        try:
            async with asyncio.timeout_at(self.deadline):
                block = await self._blocks.get()
        except TimeoutError:
            raise _late() from None
        if isinstance(block, SonotypeError):
            raise block
        if block is None:
            raise StopAsyncIteration
        self._held_bytes -= block.nbytes
        self._room.set()
        return block

    @property
    def n_samples(self) -> int:
        """Samples that were made for the listener so far."""
        return self._n_put

    def leave(self) -> None:
        """The listener wants nothing more."""
        self.left.set()
        self.stopped.set()
        self._room.set()

    def give_way(self) -> None:
        """Let somebody else go first, if this is work of the background that can be made again, and not too often."""
        if self.background and self.order.n_samples and self._yields < MOST_YIELDS:
            self._yields += 1
            self.stopped.set()

    def again(self) -> bool:
        """Whether the order is to be made once more from its beginning, as it gave way; it is ready for that then."""
        if self.left.is_set():
            self.fail(SonotypeError(Code.CANCELLED, "The caller left."))
        if self.outcome is not None or not self.stopped.is_set():
            return False
        self.stopped.clear()
        self._n_made = 0
        return True

    def put(self, block: Floats) -> None:
        """Add a block; see `room` before the next. What an order that gave way had put is not put twice."""
        known = self._n_put - self._n_made
        self._n_made += len(block)
        block = block[max(0, known) :]
        if not len(block):
            return
        self._n_put += len(block)
        self._blocks.put_nowait(block)
        self._held_bytes += block.nbytes
        if self._held_bytes >= self._most_bytes:
            self._room.clear()

    async def room(self) -> None:
        """Wait until the listener has taken enough, or has left.

        Raises:
            SonotypeError: `deadline_exceeded`.
        """
        try:
            async with asyncio.timeout_at(self.deadline):
                await self._room.wait()
        except TimeoutError:
            raise _late() from None

    def finish(self) -> None:
        """All is made."""
        self._end("done", None)

    def fail(self, error: SonotypeError) -> None:
        """It ends here; blocks that were made are still heard."""
        self._end("cancelled" if self.left.is_set() else error.code.value, error)

    def _end(self, outcome: str, last: SonotypeError | None) -> None:
        if self.outcome is None:
            self.outcome = outcome
            self._blocks.put_nowait(last)


def _late() -> SonotypeError:
    return SonotypeError(Code.DEADLINE_EXCEEDED, "The deadline passed before the sonification was done.")
