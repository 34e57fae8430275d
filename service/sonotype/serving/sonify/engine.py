"""The sonification process as the lane sees it: one child that is replaced when it dies or hangs."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Mapping
from time import monotonic

import numpy as np

from sonotype.audio import wire
from sonotype.audio.process import Child, ChildLostError, Program
from sonotype.core.errors import Code, SonotypeError
from sonotype.serving.sonify.reader import Reader
from sonotype.serving.sonify.ticket import Ticket
from sonotype.serving.workers.process import without_secrets
from sonotype.telemetry import metrics

_log = logging.getLogger(__name__)
_BACKOFF_FIRST_S, _BACKOFF_MOST_S, _MOST_DOUBLINGS = 0.1, 30.0, 20


def sonify_program(threads: int, environment: Mapping[str, str] | None = None) -> Program:
    """The child with `threads` threads; idle threads sleep instead of spinning, for the cores belong to analysis."""
    count = str(threads)
    own = {
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "passive",
    }
    inherited = without_secrets(os.environ)
    return Program("sonotype.serving.sonify.child", (count,), {**inherited, **own, **(environment or {})}, logs=True)


class Engine:
    """Runs one ticket at a time.

    Args:
        program: what the child runs.
        hang_s: longest wait for the next block.
        load_s: longest wait for the first block of a decoder that may have to be loaded.
        cancel_s: how long a loaded decoder may take to heed a cancel; None takes `hang_s`, as a new process would
            cost more than the rest of a block.
    """

    def __init__(
        self, program: Program, *, hang_s: float, load_s: float = 180.0, cancel_s: float | None = None
    ) -> None:
        self._program = program
        self._hang_s = hang_s
        self._load_s = max(load_s, hang_s)
        self._cancel_s = hang_s if cancel_s is None else cancel_s
        self._child: Child | None = None
        self._loaded: set[str] = set()
        self._failures = 0

    @property
    def pid(self) -> int:
        """Process id of the child, 0 if there is none."""
        return self._child.pid if self._child is not None else 0

    async def up(self) -> bool:
        """Make sure that there is a child, after a pause that grows with each failure; False if none starts."""
        if self._child is not None and self._child.usable:
            return True
        await self._drop()
        if self._failures:
            await asyncio.sleep(min(_BACKOFF_MOST_S, _BACKOFF_FIRST_S * 2 ** (self._failures - 1)))
        try:
            self._child = await Child.start(self._program)
        except (ChildLostError, OSError) as error:
            self._failed("load", type(error).__name__)
            return False
        metrics.SONIFY_UP.set(1)
        return True

    async def run(self, ticket: Ticket) -> None:
        """Serve one ticket until it ends or gives way; all that can go wrong ends up in the ticket."""
        assert self._child is not None, "a ticket without a process. This is a bug."  # noqa: S101
        began = monotonic()
        reader = Reader(self._child, ticket.stopped)
        try:
            await self._child.send(wire.order(ticket.order.message()))
            if not await self._stream(reader, ticket, began):
                await self._cancel(self._child, reader, ticket.order.card.address)
        except ChildLostError:
            await self._lose(ticket, "crash")
        except TimeoutError:
            await self._lose(ticket, "hang")
        finally:
            reader.close()
        metrics.SONIFY_SECONDS.labels("total").observe(monotonic() - began)

    async def aclose(self) -> None:
        """End the child and wait for it."""
        await self._drop()

    async def _stream(self, reader: Reader, ticket: Ticket, began: float) -> bool:
        """Pass records on; False where the order goes on, but nobody waits for it any more.

        Raises:
            ChildLostError: the child is gone, or sends more than was ordered.
            TimeoutError: it hangs.
        """
        address = ticket.order.card.address
        limit_s, samples = self._hang_s if address in self._loaded else self._load_s, 0
        try:
            while (record := await reader.next(limit_s)) is not None:
                kind, payload = record
                if kind != wire.SAMPLES:
                    if kind == wire.FINISHED:
                        self._loaded.add(address)
                    self._end(ticket, kind, payload)
                    return True
                self._loaded.add(address)  # a refusal does not say that the decoder has been loaded
                if not samples:
                    metrics.SONIFY_SECONDS.labels("first").observe(monotonic() - began)
                samples += len(payload) // 4
                if samples > ticket.order.n_samples:
                    raise ChildLostError
                ticket.put(np.frombuffer(payload, np.float32))
                if samples == ticket.order.n_samples:
                    ticket.finish()  # the listener need not wait for the child to say so
                limit_s = self._hang_s
                await ticket.room()
            if ticket.left.is_set():
                ticket.fail(SonotypeError(Code.CANCELLED, "The caller left."))
        except SonotypeError as late:
            ticket.fail(late)
        return False

    def _end(self, ticket: Ticket, kind: bytes, payload: bytearray) -> None:
        """The child says that the order is over."""
        self._failures = 0
        if kind == wire.FINISHED:
            ticket.finish()
        else:
            ticket.fail(_refusal(payload))

    async def _cancel(self, child: Child, reader: Reader, address: str) -> None:
        """Tell the child to stop and read to the end of the order. Raises TimeoutError if it does not heed."""
        async with asyncio.timeout(self._cancel_s if address in self._loaded else self._load_s):
            await child.send(wire.order(wire.CANCEL))
            while (await reader.rest())[0] == wire.SAMPLES:
                pass

    async def _lose(self, ticket: Ticket, why: str) -> None:
        """The child is of no more use: end it, and say so to who waits for it."""
        ticket.fail(SonotypeError(Code.UNAVAILABLE, "The sonification was stopped by a fault.", retry_after_s=1.0))
        self._failed(why, "the order failed")
        await self._drop()

    async def _drop(self) -> None:
        child, self._child = self._child, None
        self._loaded.clear()
        metrics.SONIFY_UP.set(0)
        if child is not None:
            await child.end()

    def _failed(self, why: str, detail: str) -> None:
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        metrics.SONIFY_RESTARTS.labels(why).inc()
        _log.warning("the sonification process is replaced (%s: %s)", why, detail)


def _refusal(payload: bytearray) -> SonotypeError:
    """The error that a child reports."""
    try:
        content = json.loads(payload)
        return SonotypeError(Code(content["code"]), content["detail"])
    except (ValueError, KeyError, TypeError) as broken:
        raise ChildLostError from broken
