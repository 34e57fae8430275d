"""The computation behind an answer: admit, decode, cut, batch, aggregate. No cache, no faces."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import groupby
from time import monotonic

from sonotype.audio.pool import DecoderPool
from sonotype.audio.sniff import Format, sniff
from sonotype.audio.stream import PcmStream
from sonotype.core.types import ClipInfo, Crop, Lane, Upload, Window
from sonotype.models.patches import Patcher
from sonotype.plane.answer import Answer, aggregate
from sonotype.plane.plan import Plan
from sonotype.serving.admission import Admission, Permit
from sonotype.serving.batcher import Batcher, Item, ItemSpec

# Bytes per second of audio, low enough that admission rather over- than underestimates a clip. An estimate only:
# the permit is corrected by decoded samples, and no limit relies on it.
_BYTES_PER_S = {Format.WAV: 64_000, Format.AIFF: 64_000, Format.FLAC: 60_000}
_BYTES_PER_S_LOSSY = 16_000


@dataclass(frozen=True, slots=True)
class Work:
    """One upload with everything that says how to compute its answers.

    `batcher` stands in front of the workers with the networks of the plans; `deadline` is on the clock of the event
    loop (seconds).
    """

    batcher: Batcher
    upload: Upload
    plans: tuple[Plan, ...]
    crop: Crop
    lane: Lane
    deadline: float
    client: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Answers by `plan_id`, and seconds by phase."""

    answers: dict[str, Answer] = field(default_factory=dict)
    timings_s: dict[str, float] = field(default_factory=dict)


class Computer:
    """Runs `Work` on the decoder pool and its batcher."""

    def __init__(self, admission: Admission, decoder: DecoderPool, max_clip_s: float) -> None:
        self._admission = admission
        self._decoder = decoder
        self._max_clip_s = max_clip_s

    async def run(self, work: Work) -> Outcome:
        """Compute the answer of every plan.

        Raises:
            SonotypeError: any code of admission, decoder or batcher; nothing stays queued then.
        """
        outcome = Outcome()
        with self._admission.admit(self._estimate_s(work), work.lane, work.deadline, work.client) as permit:
            for rate_hz, plans in _by_rate(work.plans):
                await self._run_rate(work, rate_hz, plans, permit, outcome)
        return outcome

    async def _run_rate(
        self, work: Work, rate_hz: int, plans: Sequence[Plan], permit: Permit, outcome: Outcome
    ) -> None:
        """One decode feeds every plan of the same sample rate."""
        async with AsyncExitStack() as stack:
            items = [await stack.enter_async_context(work.batcher.open(_item(work, plan))) for plan in plans]
            cuts = [_Cut(plan, item, Patcher(plan.spec, plan.patch)) for plan, item in zip(plans, items, strict=True)]
            clip = await self._feed(work, rate_hz, cuts, permit, outcome)
            rows = await asyncio.gather(*(cut.item.result(cut.patcher.report().count) for cut in cuts))
        for cut, outputs in zip(cuts, rows, strict=True):
            report, starts_s = cut.patcher.report(), cut.patcher.starts_s()
            outcome.answers[plan_id(cut.plan)] = aggregate(cut.plan, clip, report, starts_s, outputs)
            _add(outcome.timings_s, cut.item.stats.timings_s())

    async def _feed(self, work: Work, rate_hz: int, cuts: Sequence[_Cut], permit: Permit, outcome: Outcome) -> ClipInfo:
        began = monotonic()
        async with self._decoder.decode(work.upload, rate_hz=rate_hz, crop=work.crop, deadline=work.deadline) as stream:
            waited_s = await _pump(stream, rate_hz, work.plans, cuts, permit)
            clip = stream.info
        _add(outcome.timings_s, {"decode": monotonic() - began - waited_s})
        for cut in cuts:
            await cut.put(cut.patcher.finish())
        return clip

    def _estimate_s(self, work: Work) -> float:
        kind = sniff(work.upload.data)
        seconds = len(work.upload.data) / _BYTES_PER_S.get(kind, _BYTES_PER_S_LOSSY)
        longest = self._max_clip_s if work.crop.duration_s is None else work.crop.duration_s
        return _cost_s(work.plans, min(seconds, longest, self._max_clip_s))


def plan_id(plan: Plan) -> str:
    """Identity of a plan within one request."""
    return f"{plan.card.address}/{plan.frontend}/{plan.patch.hop_frames}/{plan.patch.tail}/{plan.patchout}"


@dataclass(frozen=True, slots=True)
class _Cut:
    """A plan with its patcher and its place in the batcher."""

    plan: Plan
    item: Item
    patcher: Patcher

    async def put(self, windows: Iterable[Window]) -> float:
        """Queue windows; returns the seconds spent waiting for room."""
        began = monotonic()
        for window in windows:
            await self.item.put(window)
        return monotonic() - began


async def _pump(stream: PcmStream, rate_hz: int, plans: Sequence[Plan], cuts: Sequence[_Cut], permit: Permit) -> float:
    waited_s, decoded = 0.0, 0
    async for chunk in stream:
        decoded += len(chunk)
        permit.correct(_cost_s(plans, decoded / rate_hz))
        for cut in cuts:
            waited_s += await cut.put(cut.patcher.feed(chunk))
    return waited_s


def _item(work: Work, plan: Plan) -> ItemSpec:
    return ItemSpec(
        item_id=f"{work.upload.sha256[:16]}/{plan_id(plan)}",
        model=plan.card.address,
        frontend=plan.frontend,
        sha256=work.upload.sha256,
        lane=work.lane,
        deadline=work.deadline,
        fill=plan.fill,
        patchout=plan.patchout,
        cost_share=plan.cost_share,
    )


def _by_rate(plans: Sequence[Plan]) -> list[tuple[int, list[Plan]]]:
    def rate(plan: Plan) -> int:
        return plan.spec.sample_rate_hz

    return [(hz, list(group)) for hz, group in groupby(sorted(plans, key=rate), key=rate)]


def _cost_s(plans: Sequence[Plan], audio_s: float) -> float:
    return sum(plan.cost_s(audio_s) for plan in plans)


def _add(timings: dict[str, float], more: Mapping[str, float]) -> None:
    for phase, seconds in more.items():
        timings[phase] = timings.get(phase, 0.0) + seconds
