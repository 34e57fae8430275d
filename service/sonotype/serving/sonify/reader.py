"""Records of a child, one order's worth, with a listener who may leave at any time."""

from __future__ import annotations

import asyncio
from typing import Any

from sonotype.audio import wire
from sonotype.audio.process import Child

Record = tuple[bytes, bytearray]


class Reader:
    """Records of one order; a wait that ends early keeps its place in the stream.

    Args:
        child: which sends them.
        stopped: set when the rest is not wanted, or not now.
    """

    def __init__(self, child: Child, stopped: asyncio.Event) -> None:
        self._child = child
        self._stopping: asyncio.Task[Any] = asyncio.create_task(stopped.wait())
        self._task: asyncio.Task[Any] | None = None

    async def next(self, limit_s: float) -> Record | None:
        """The next record, or None when the order is stopped.

        Raises:
            ChildLostError: the child is gone.
            TimeoutError: nothing came within `limit_s`.
        """
        task = self._begin()
        await asyncio.wait({task, self._stopping}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        if task.done() and not (self._stopping.done() and task.result()[0] == wire.SAMPLES):
            return await self.rest()
        if self._stopping.done():
            return None
        raise TimeoutError

    async def rest(self) -> Record:
        """The next record, whoever waits. Raises ChildLostError."""
        record: Record = await self._begin()
        self._task = None
        return record

    def close(self) -> None:
        """Wait no longer."""
        self._stopping.cancel()
        if self._task is not None and not self._task.cancel() and not self._task.cancelled():
            self._task.exception()  # seen, so that nobody reports it as lost

    def _begin(self) -> asyncio.Task[Any]:
        if self._task is None:
            self._task = asyncio.create_task(self._child.receive())
        return self._task
