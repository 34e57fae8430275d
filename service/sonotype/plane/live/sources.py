"""How bytes of a session become samples: here, or in a child that decodes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from sonotype.audio.live.decoder import StreamDecoder
from sonotype.audio.live.pcm import PcmReader
from sonotype.audio.pool import DecodeLimits
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.plane.live.query import AudioIn

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """Who hears the samples: the session."""

    async def hear(self, rate_hz: int, mono: Floats) -> None:
        """Take samples, shape [n]; waits while there is enough to do."""

    async def finish(self) -> None:
        """No more samples will come."""

    def fail(self, error: SonotypeError) -> None:
        """The audio cannot be heard on."""


class Source(Protocol):
    """Takes the bytes of one session."""

    async def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises `SonotypeError`."""

    async def end(self) -> None:
        """No more bytes will come. Raises `SonotypeError`."""

    async def aclose(self) -> None:
        """Give everything back; nobody feeds any more."""


async def open_source(audio: AudioIn, listener: Listener, limits: DecodeLimits) -> Source:
    """The source for a kind of audio.

    Raises:
        SonotypeError: UNAVAILABLE where no decoder comes up.
    """
    if audio.format == "encoded":
        return CodedSource(await StreamDecoder.start(limits, limits.cpu_s), listener)
    return RawSource(PcmReader(audio.format, audio.rate_hz, audio.channels), audio.rate_hz, listener)


class RawSource:
    """Raw samples, converted here."""

    def __init__(self, reader: PcmReader, rate_hz: int, listener: Listener) -> None:
        self._reader = reader
        self._rate_hz = rate_hz
        self._listener = listener

    async def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises `SonotypeError` (NON_FINITE)."""
        for count, mono in enumerate(self._reader.read(data)):
            if count:
                await asyncio.sleep(0)  # others have their turn between the pieces of a large chunk
            await self._listener.hear(self._rate_hz, mono)

    async def end(self) -> None:
        """No more bytes will come; what is left of a broken frame is not heard."""
        await self._listener.finish()

    async def aclose(self) -> None:
        """Nothing to give back."""


class CodedSource:
    """A coded stream, decoded by a child; what it sends is heard by a task of its own."""

    def __init__(self, decoder: StreamDecoder, listener: Listener) -> None:
        self._decoder = decoder
        self._listener = listener
        self._pump = asyncio.create_task(_guarded(self._hear_all, listener), name="live-decoder")

    async def feed(self, data: bytes) -> None:
        """Take the next bytes; waits while the child has enough."""
        await self._unless_over(self._decoder.feed(data))

    async def end(self) -> None:
        """No more bytes will come; waits until all samples are heard."""
        await self._unless_over(self._decoder.end())
        await asyncio.wait({self._pump})

    async def aclose(self) -> None:
        """End the child."""
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)
        await self._decoder.aclose()

    async def _hear_all(self) -> None:
        async for rate_hz, mono in self._decoder.pieces():
            await self._listener.hear(rate_hz, mono)
        await self._listener.finish()

    async def _unless_over(self, sending: Awaitable[None]) -> None:
        """A child that has said its last word reads no more: do not wait for it."""
        task = asyncio.ensure_future(sending)
        try:
            await asyncio.wait({task, self._pump}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _guarded(work: Callable[[], Awaitable[None]], listener: Listener) -> None:
    try:
        await work()
    except SonotypeError as error:
        listener.fail(error)
    except Exception:  # noqa: BLE001 - background task: the session hears of it, and the log
        _log.exception("a live stream failed")
        listener.fail(SonotypeError(Code.INTERNAL, "An unexpected error."))
