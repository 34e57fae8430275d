"""The parent's side of a stream that is decoded as it comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Self

import numpy as np

from sonotype.audio import wire
from sonotype.audio.live.wire import DATA, END, HEAD, MAX_DATA_BYTES, Head
from sonotype.audio.pool import DecodeLimits
from sonotype.audio.process import Child, ChildLostError, Program, decoder_program, limit_of
from sonotype.audio.stream import refusal
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.telemetry import metrics


class StreamDecoder:
    """One stream in a child of its own. Feed it and iterate over it at the same time, from two tasks.

    Args:
        child: the child that works for it alone.
    """

    def __init__(self, child: Child) -> None:
        self._child = child
        self.head: Head | None = None

    @classmethod
    async def start(cls, limits: DecodeLimits, cpu_s: int) -> Self:
        """Start the child.

        Args:
            limits: bounds of the child.
            cpu_s: CPU time that the whole stream may use.

        Raises:
            SonotypeError: UNAVAILABLE where no child comes up.
        """
        base = decoder_program(limits.memory_bytes)
        program = Program("sonotype.audio.live.child", (*base.arguments, str(cpu_s)), base.environment, base.flags)
        try:
            return cls(await Child.start(program))
        except (ChildLostError, OSError):
            raise SonotypeError(Code.UNAVAILABLE, "No decoder could be started.", retry_after_s=1.0) from None

    async def feed(self, data: bytes) -> None:
        """Send bytes; waits while the child has enough. What goes wrong is told to who iterates."""
        for start in range(0, len(data), MAX_DATA_BYTES):
            await self._send(DATA, data[start : start + MAX_DATA_BYTES])

    async def end(self) -> None:
        """Say that no more bytes will come."""
        await self._send(END, b"")

    async def pieces(self) -> AsyncIterator[tuple[int, Floats]]:
        """Yield the rate and mono samples at it, shape [n], until the end.

        Raises:
            SonotypeError: what the child refused; UNDECODABLE where it was lost.
        """
        try:
            while (piece := await self._next()) is not None:
                yield piece
        except ChildLostError:
            metrics.DECODE_KILLED.labels(limit_of(await self._child.end())).inc()
            raise _counted(SonotypeError(Code.UNDECODABLE, "The stream cannot be decoded within the limits.")) from None

    async def aclose(self) -> None:
        """End the child; nobody may be feeding or iterating any more."""
        await self._child.end()

    async def _send(self, kind: bytes, payload: bytes) -> None:
        try:
            await self._child.send(wire.RECORD.pack(kind, len(payload)) + payload)
        except ChildLostError:
            # it has refused the stream or died: its last record, or the lack of one, says which
            await asyncio.sleep(0)

    async def _next(self) -> tuple[int, Floats] | None:
        while True:
            kind, payload = await self._child.receive()
            if kind == wire.SAMPLES and self.head is not None:
                return self.head.rate_hz, np.frombuffer(payload, np.float32)
            if kind == HEAD:
                self.head = _head(payload)
            elif kind == wire.FINISHED:
                return None
            elif kind == wire.REFUSED:
                raise _counted(refusal(payload))
            else:
                raise ChildLostError


def _head(payload: bytearray) -> Head:
    try:
        head = Head(**json.loads(payload))
        if not (isinstance(head.rate_hz, int) and head.rate_hz > 0):
            raise ValueError
    except (ValueError, TypeError) as broken:
        raise ChildLostError from broken
    return head


def _counted(error: SonotypeError) -> SonotypeError:
    metrics.DECODE_FAILURES.labels(error.code.value).inc()
    return error
