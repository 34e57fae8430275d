"""The decoder pool: uploads in, samples out, and nothing an upload does reaches the gateway.

Children are started ahead of time and replaced after a hundred files or any accident. A consumer that leaves early
costs a message, not a process, as long as the child answers it.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from sonotype.audio import wire
from sonotype.audio.poison import Poison
from sonotype.audio.process import Child, ChildLostError, decoder_program
from sonotype.audio.sniff import Format, audio_start, sniff
from sonotype.audio.stream import PcmStream
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Crop, Upload
from sonotype.telemetry import metrics

_log = logging.getLogger(__name__)
CANCEL_GRACE_S = 1.0
RESTART_DELAYS_S = (0.1, 0.5, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What one upload and one child may cost.

    Attributes:
        max_clip_s: longest audio, counted on decoded samples.
        min_clip_s: shortest audio.
        memory_bytes: address space of a child; it holds the upload, so keep it well above the upload limit.
        files_per_child: a child is replaced after so many.
    """

    max_clip_s: float = 3600.0
    min_clip_s: float = 0.1
    memory_bytes: int = 1 << 30
    files_per_child: int = 100

    @property
    def cpu_s(self) -> int:
        """CPU seconds of one job: a minute of audio per second, the slowest codec needs a tenth of that."""
        return 2 + math.ceil(self.max_clip_s / 60)


class DecoderPool:
    """Decodes uploads in `workers` child processes.

    Args:
        workers: child processes, and so uploads decoded at once.
        limits: bounds of each job.
    """

    def __init__(self, workers: int, limits: DecodeLimits | None = None) -> None:
        self._workers = workers
        self._limits = limits or DecodeLimits()
        self._idle: asyncio.Queue[Child] = asyncio.Queue()
        self._children: set[Child] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._poison = Poison()
        self._open = False

    async def start(self) -> None:
        """Start the children; returns when all are ready.

        Raises:
            ChildLostError: a child does not come up.
        """
        self._open = True
        await asyncio.gather(*(self._add() for _ in range(self._workers)))

    async def aclose(self) -> None:
        """End all children and wait for them. Streams still open then fail."""
        self._open = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(self._drop(child) for child in list(self._children)))

    def pids(self) -> list[int]:
        """Process ids of the living children."""
        return [child.pid for child in self._children]

    @asynccontextmanager
    async def decode(
        self,
        upload: Upload,
        *,
        rate_hz: int,
        crop: Crop | None = None,
        deadline: float | None = None,
        backend: wire.Backend = "auto",
    ) -> AsyncIterator[PcmStream]:
        """Decode one upload; leave the context whenever the rest is not wanted.

        Args:
            upload: the bytes; their name is never known here.
            rate_hz: sample rate to resample to.
            crop: the part to analyse.
            deadline: time of the event loop after which all waiting ends.
            backend: `auto`; anything else is for tests.

        Yields:
            The stream of mono chunks.

        Raises:
            SonotypeError: UNSUPPORTED_FORMAT, UNDECODABLE, NON_FINITE, AUDIO_TOO_LONG, AUDIO_TOO_SHORT,
                QUARANTINED (these bytes crashed a child before), DEADLINE_EXCEEDED, UNAVAILABLE (not started).
        """
        data = memoryview(upload.data)
        with _counted():
            self._poison.check(upload.sha256)
            job = self._job(sniff(upload.data), len(data) - audio_start(data), rate_hz, crop or Crop(), backend)
            child = await self._acquire(deadline)
        stream = PcmStream(child, job, upload, deadline, self._poison)
        try:
            await stream.begin(data[len(data) - job.size :])
            yield stream
        finally:
            self._release(stream)

    def _job(self, kind: Format, size: int, rate_hz: int, crop: Crop, backend: wire.Backend) -> wire.Job:
        limits = self._limits
        return wire.Job(
            format=kind.value,
            size=size,
            rate_hz=rate_hz,
            offset_s=crop.offset_s,
            duration_s=crop.duration_s,
            max_clip_s=limits.max_clip_s,
            min_clip_s=limits.min_clip_s,
            cpu_s=limits.cpu_s,
            backend=backend,
        )

    async def _acquire(self, deadline: float | None) -> Child:
        """Wait for a free child that lives."""
        if not self._open:
            raise SonotypeError(Code.UNAVAILABLE, "The decoder is not running.")
        try:
            async with asyncio.timeout_at(deadline):
                while not (child := await self._idle.get()).usable:
                    self._background(self._replace(child))
                return child
        except TimeoutError:
            raise SonotypeError(Code.DEADLINE_EXCEEDED, "No decoder became free in time.") from None

    def _release(self, stream: PcmStream) -> None:
        """Take a child back, in whatever state its user left it; never waits."""
        child = stream.child
        child.jobs += 1
        if not self._open:
            return
        if not child.usable or child.jobs >= self._limits.files_per_child:
            self._background(self._replace(child))
        elif stream.finished:
            self._idle.put_nowait(child)
        else:
            self._background(self._reset(child))

    async def _reset(self, child: Child) -> None:
        """Cancel the job of a child and read on to its end; a child that does not heed is killed."""
        try:
            async with asyncio.timeout(CANCEL_GRACE_S):
                await child.send(wire.order(wire.CANCEL))
                while (await child.receive())[0] == wire.SAMPLES:
                    pass
        except (TimeoutError, ChildLostError):
            metrics.DECODE_KILLED.labels("wall").inc()
            await self._replace(child)
        else:
            self._idle.put_nowait(child)

    async def _replace(self, child: Child) -> None:
        """End a child and start another in its place, for as long as that takes."""
        await self._drop(child)
        for attempt in itertools.count():
            try:
                await self._add()
            except (ChildLostError, OSError) as error:
                delay = RESTART_DELAYS_S[min(attempt, len(RESTART_DELAYS_S) - 1)]
                _log.warning("a decode child does not start (%s), next try in %g s", type(error).__name__, delay)
                await asyncio.sleep(delay)
            else:
                return

    async def _add(self) -> None:
        child = await Child.start(decoder_program(self._limits.memory_bytes))
        self._children.add(child)
        self._idle.put_nowait(child)

    async def _drop(self, child: Child) -> None:
        self._children.discard(child)
        await child.end()

    def _background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@contextmanager
def _counted() -> Iterator[None]:
    try:
        yield
    except SonotypeError as error:
        metrics.DECODE_FAILURES.labels(error.code.value).inc()
        raise
