"""One live session: audio in, answers out in order, a bounded number of patches on the way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.plane.live.cutting import Cutter, Step
from sonotype.plane.live.parts import Part
from sonotype.plane.live.port import LiveAnswer, LiveModel
from sonotype.plane.live.sources import Source
from sonotype.plane.live.tagging import Heard, Smoother, Tagger
from sonotype.telemetry import metrics

# Steps being computed and answers that nobody has taken, together; what comes beyond them waits in the socket.
MOST_STEPS: Final = 8


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Bounds of one session.

    Attributes:
        idle_s: a session in which nothing moves for so long ends: no audio comes, or no answer is taken.
        longest_s: seconds of audio, and of time.
    """

    idle_s: float
    longest_s: float


@dataclass(frozen=True, slots=True)
class _Pending:
    """A step on its way, with the time at which its audio was there."""

    step: Step
    arrived: float
    work: asyncio.Task[Heard]


class Session:
    """Implements `port.LiveSession`; opened by `Live`, which attaches the source.

    Args:
        parts: the models.
        cutter: cuts the audio for all of them.
        tagger: computes steps.
        smoother: of the answers.
        limits: see `SessionLimits`.
    """

    def __init__(
        self, parts: list[Part], cutter: Cutter, tagger: Tagger, smoother: Smoother, limits: SessionLimits
    ) -> None:
        self._parts = parts
        self._cutter = cutter
        self._tagger = tagger
        self._smoother = smoother
        self._limits = limits
        self._source: Source | None = None
        self._steps: deque[_Pending] = deque()
        self._moved = asyncio.Event()
        self._error: SonotypeError | None = None
        self._complete = False
        self._began = self._arrived = self._progress = _now()
        self._watcher: asyncio.Task[None] | None = None
        self._audio_s = 0.0
        self._n_answers = 0

    @property
    def models(self) -> tuple[LiveModel, ...]:
        """The models, in the order asked."""
        return tuple(part.model for part in self._parts)

    @property
    def audio_s(self) -> float:
        """Seconds of audio heard so far."""
        return self._audio_s

    @property
    def n_answers(self) -> int:
        """Answers given so far."""
        return self._n_answers

    @property
    def over(self) -> bool:
        """Nothing that is fed will be heard any more."""
        return self._complete or self._error is not None

    @property
    def waiting(self) -> int:
        """Steps being computed and answers not taken; at most `MOST_STEPS`."""
        return len(self._steps)

    @property
    def held_samples(self) -> int:
        """Samples in memory besides those of the steps."""
        return self._cutter.held_samples

    def attach(self, source: Source) -> None:
        """Begin to listen."""
        self._source = source
        self._watcher = asyncio.create_task(self._watch(), name="live-watch")

    async def feed(self, data: bytes) -> None:
        """Take the next bytes; waits while there is enough to do. Never raises a domain error."""
        assert self._source is not None  # noqa: S101 - attached when the session was opened
        self._arrived = self._progress = _now()
        if not self.over:
            try:
                await self._source.feed(data)
            except SonotypeError as error:
                self.fail(error)

    async def end(self) -> None:
        """No more audio will come."""
        assert self._source is not None  # noqa: S101 - attached when the session was opened
        self._progress = _now()
        if not self.over:
            try:
                await self._source.end()
            except SonotypeError as error:
                self.fail(error)

    async def answers(self) -> AsyncIterator[LiveAnswer]:
        """The answers in order. Raises `SonotypeError` where the session ended early."""
        while await self._next_is_there():
            pending = self._steps[0]
            try:
                answer = self._answer(pending, await pending.work)
            except Exception as error:
                self._stop(error if isinstance(error, SonotypeError) else _defect())
                raise
            yield answer
            self._steps.popleft()
            self._progress = _now()
            self._moved.set()
        if self._error is not None:
            raise self._error

    def fail(self, error: SonotypeError) -> None:
        """End the session early; what is on its way is still answered."""
        if not self.over:
            self._stop(error)

    def _stop(self, error: SonotypeError) -> None:
        self._error = error
        self._moved.set()

    async def hear(self, rate_hz: int, mono: Floats) -> None:
        """Part of `sources.Listener`."""
        if self.over:
            return
        self._audio_s += len(mono) / rate_hz
        if self._audio_s > self._limits.longest_s:
            self.fail(SonotypeError(Code.AUDIO_TOO_LONG, f"A session may hear {self._limits.longest_s:g} s of audio."))
            return
        for step in self._cutter.feed(rate_hz, mono):
            await self._launch(step)

    async def finish(self) -> None:
        """Part of `sources.Listener`."""
        for step in [] if self.over else self._cutter.finish():
            await self._launch(step)
        self._complete = True
        self._moved.set()

    async def aclose(self) -> None:
        """Give up what is on its way. Whoever fed or iterated has stopped."""
        tasks = [pending.work for pending in self._steps]
        if self._watcher is not None:
            tasks.append(self._watcher)  # type: ignore[arg-type]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._steps.clear()
        if self._source is not None:
            await self._source.aclose()

    async def _launch(self, step: Step) -> None:
        while len(self._steps) >= MOST_STEPS and not self.over:
            self._moved.clear()
            await self._moved.wait()
        if not self.over:
            work = asyncio.create_task(self._tagger.run(step), name="live-step")
            self._steps.append(_Pending(step, self._arrived, work))
            self._moved.set()

    async def _next_is_there(self) -> bool:
        while not self._steps and not self.over:
            self._moved.clear()
            await self._moved.wait()
        return bool(self._steps)

    def _answer(self, pending: _Pending, heard: Heard) -> LiveAnswer:
        scores = {part.model.model: self._smoother.add(part, raw) for part, raw in heard}
        lag_s = max(0.0, _now() - pending.arrived)
        self._n_answers += 1
        metrics.LIVE_ANSWERS.inc()
        metrics.LIVE_LAG_S.observe(lag_s)
        shown = tuple(scores[model.model] for model in self.models if model.model in scores)
        return LiveAnswer(pending.step.time_s, pending.step.start_s, lag_s, shown)

    async def _watch(self) -> None:
        """End a session in which nothing moves, or that lasts too long."""
        while not (self.over and not self._steps):
            if self._steps and not self._steps[0].work.done():
                self._progress = _now()  # it is our turn
            idle_s, total_s = _now() - self._progress, _now() - self._began
            if idle_s >= self._limits.idle_s:
                detail = f"No audio came, or no answer was taken, for {self._limits.idle_s:g} s."
                self._stop(SonotypeError(Code.UPLOAD_TIMEOUT, detail))
                return
            if total_s >= self._limits.longest_s + self._limits.idle_s:
                self._stop(SonotypeError(Code.AUDIO_TOO_LONG, f"A session may last {self._limits.longest_s:g} s."))
                return
            await asyncio.sleep(self._limits.idle_s - idle_s)


def _defect() -> SonotypeError:
    return SonotypeError(Code.INTERNAL, "An unexpected error.")


def _now() -> float:
    return asyncio.get_running_loop().time()
