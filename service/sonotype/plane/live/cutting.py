"""From samples as they come to steps: the patches that end at the same moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sonotype.audio.live.resampling import Resampling
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats, Window
from sonotype.models.patches import Patcher
from sonotype.plane.plan import Plan


@dataclass(frozen=True, slots=True)
class Step:
    """One moment at which there is something to answer.

    Attributes:
        time_s: end of the patches.
        start_s: start of the earliest of them.
        windows: by id of the plan.
    """

    time_s: float
    start_s: float
    windows: Mapping[str, Window]


@dataclass(slots=True)
class _Cut:
    """One plan at work."""

    name: str
    plan: Plan
    patcher: Patcher

    def placed(self, windows: Iterable[Window]) -> list[tuple[int, float, float, str, Window]]:
        """Windows with their end in microseconds, which equal ends share, and in seconds."""
        frame_s = self.plan.spec.hop_length / self.plan.spec.sample_rate_hz
        found = []
        for window in windows:
            start_s = window.index * self.plan.patch.hop_frames * frame_s
            end_s = start_s + window.valid_frames * frame_s
            found.append((round(end_s * 1e6), end_s, start_s, self.name, window))
        return found


class Cutter:
    """Cuts the audio of a session for every plan.

    Args:
        plans: by id.
    """

    def __init__(self, plans: Mapping[str, Plan]) -> None:
        self._cuts = [_Cut(name, plan, Patcher(plan.spec, plan.patch)) for name, plan in plans.items()]
        rates = {plan.spec.sample_rate_hz for plan in plans.values()}
        self._streams = {rate_hz: Resampling(rate_hz) for rate_hz in sorted(rates)}

    @property
    def held_samples(self) -> int:
        """Samples in memory: a patch and the last chunk of each plan, however long the session is."""
        return sum(cut.patcher.held_samples for cut in self._cuts)

    def feed(self, rate_hz: int, mono: Floats) -> list[Step]:
        """Take the next samples, shape [n], and return the steps that became complete, in time."""
        there = {to_hz: stream.feed(rate_hz, mono) for to_hz, stream in self._streams.items()}
        return _steps([item for cut in self._cuts for item in cut.placed(cut.patcher.feed(there[_rate(cut)]))])

    def finish(self) -> list[Step]:
        """The steps that the end of the audio completes; a session without audio has none.

        Raises:
            SonotypeError: AUDIO_TOO_SHORT where the audio is shorter than a model takes.
        """
        rest = {to_hz: stream.finish() for to_hz, stream in self._streams.items()}
        return _steps([item for cut in self._cuts for item in cut.placed(_last(cut.patcher, rest[_rate(cut)]))])


def _last(patcher: Patcher, rest: Floats) -> list[Window]:
    windows = patcher.feed(rest)
    try:
        return windows + patcher.finish()
    except SonotypeError as error:
        if error.code is Code.AUDIO_TOO_SHORT and not patcher.held_samples:
            return windows
        raise


def _rate(cut: _Cut) -> int:
    return cut.plan.spec.sample_rate_hz


def _steps(placed: list[tuple[int, float, float, str, Window]]) -> list[Step]:
    """Group by the moment at which patches end; a chunk of audio may complete several of one plan."""
    by_end: dict[int, list[tuple[float, float, str, Window]]] = {}
    for end_us, end_s, start_s, name, window in placed:
        by_end.setdefault(end_us, []).append((end_s, start_s, name, window))
    return [
        Step(group[0][0], min(start_s for _, start_s, _, _ in group), {name: window for _, _, name, window in group})
        for _, group in sorted(by_end.items())
    ]
