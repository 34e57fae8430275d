"""One engine after the other on the same made audio: how fast, and how near to the reference.

The reference is torch in float32. An engine whose mean scores of a clip differ from it by more than its limit, or that
ranks other labels among the first five, is never chosen, however fast it is.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from sonotype.core.types import Fill, Floats
from sonotype.models.card import Card
from sonotype.models.runtime.base import Engine, Precision, Runtime
from sonotype.models.tuning.candidates import REFERENCE, Candidate
from sonotype.models.tuning.probe import piece

PROMISED: dict[Precision, float] = {"fp32": 1e-4, "bf16": 5e-3}
"""Largest difference of a clip's mean score from the reference that is meant to be seen on music, by arithmetic."""

# bf16 was seen to move scores of music up to 1.7 times as far as those of the made audio, where it came near
LIMITS: dict[Precision, float] = {"fp32": 1e-4, "bf16": 3.5e-3}
"""Largest difference on the made audio with which an engine may be chosen."""

TOP = 5
_CLIPS = 8
_PATCHES = 4  # of a clip
_SHORT_S = 5.0  # networks that take short clips as they are get clips of this length: their patches are expensive
_ROWS = {"cpu": 1, "cuda": 16}
_TURNS = 3
_EXPENSIVE_S = 0.5  # a patch that takes longer is measured once
_TIED = 1e-6

Load = Callable[..., Runtime]
Clock = Callable[[], float]
Report = Callable[[str], None]


class Row(BaseModel):
    """What was measured of one engine and arithmetic.

    Attributes:
        engine: its name.
        precision: its arithmetic.
        ms: milliseconds per patch, the fastest of a few turns; None where it did not run.
        largest: largest difference of a clip's mean score from the reference.
        mean: mean difference of all of them.
        top: whether the first five labels of every clip are the reference's.
        agrees: whether it may be chosen.
        fault: why it did not run.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: Engine
    precision: Precision
    ms: float | None = None
    largest: float | None = None
    mean: float | None = None
    top: bool = False
    agrees: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Clips:
    """Windows of a few patches of every clip, clip after clip, and the frames that hold audio."""

    windows: Floats
    valid: NDArray[np.int64]


def measure(
    card: Card,
    weights: Path,
    device: str,
    threads: int,
    tried: Sequence[Candidate],
    *,
    load: Load,
    clock: Clock | None = None,
    report: Report = lambda text: None,
) -> list[Row]:
    """Measure engines, one loaded at a time.

    Args:
        card: the model's card.
        weights: the file of its weights.
        device: where to run.
        threads: CPU threads inside one call.
        tried: what to measure; the reference is computed in any case.
        load: as `runtime.load`.
        clock: seconds; None takes `clock_for`.
        report: told what is measured next.

    Returns:
        One row per candidate, in order.

    Raises:
        SonotypeError: the reference cannot be loaded.
    """
    clips, clock = probe_clips(card), clock or clock_for(device, threads)
    report(str(REFERENCE))
    runtime = load(card, weights, device, "fp32", threads, engine="torch")
    reference = clip_scores(runtime, clips)
    own = _row(REFERENCE, _ms(runtime, device, clock), reference, reference)
    del runtime
    rows = []
    for candidate in tried:
        if candidate == REFERENCE:
            rows.append(own)
            continue
        gc.collect()
        report(str(candidate))
        try:
            runtime = load(card, weights, device, candidate.precision, threads, engine=candidate.engine)
            scores = clip_scores(runtime, clips)
            rows.append(_row(candidate, _ms(runtime, device, clock), scores, reference))
            del runtime
        except Exception as error:  # noqa: BLE001 - an engine's own errors of any kind mean that it is not chosen
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            rows.append(Row(engine=candidate.engine, precision=candidate.precision, fault=reason))
    return rows


def fastest(rows: Iterable[Row], precision: Precision = "auto") -> Row | None:
    """The fastest that agrees, of an arithmetic; None where there is none."""
    fit = [row for row in rows if row.agrees and precision in ("auto", row.precision)]
    return min(fit, key=lambda row: row.ms if row.ms is not None else np.inf, default=None)


def probe_clips(card: Card) -> Clips:
    """The audio that agreement is decided on: eight made pieces of four whole patches, or of 5 s."""
    spec = card.mel_frontends[card.default_frontend]
    short, hop = card.patch.short == "native", spec.hop_length
    least = max(1 + int(_SHORT_S * spec.sample_rate_hz) // hop, card.patch.min_frames)
    frames, patches = (min(card.patch.frames, least), 1) if short else (card.patch.frames, _PATCHES)
    windows = np.zeros((_CLIPS, patches, spec.window_samples(card.patch.frames)), np.float32)
    samples, step = spec.window_samples(frames), frames * hop
    for seed in range(_CLIPS):
        clip = piece(seed, samples + (patches - 1) * step, spec.sample_rate_hz)
        for patch in range(patches):
            windows[seed, patch, :samples] = clip[patch * step :][:samples]
    return Clips(windows.reshape(_CLIPS * patches, -1), np.full(_CLIPS * patches, frames))


def clip_scores(runtime: Runtime, clips: Clips) -> Floats:
    """Mean scores of every clip, shape [clips, labels]."""
    fill: Fill = "native" if runtime.card.patch.short == "native" else "pad"
    found = runtime.run(clips.windows, clips.valid, fill, runtime.card.default_frontend).arrays["tags"]
    return np.asarray(found.reshape(_CLIPS, -1, found.shape[1]).mean(axis=1))


def _ms(runtime: Runtime, device: str, clock: Clock) -> float:
    """Milliseconds per whole patch."""
    card = runtime.card
    spec, rows = card.mel_frontends[card.default_frontend], _ROWS[device.partition(":")[0]]
    windows = np.tile(piece(0, spec.window_samples(card.patch.frames), spec.sample_rate_hz), (rows, 1))
    valid = np.full(rows, card.patch.frames)
    turns: list[float] = []
    while len(turns) < 2 or (len(turns) < 1 + _TURNS and turns[-1] < _EXPENSIVE_S):  # the first one allocates
        begin = clock()
        runtime.run(windows, valid, "repeat", card.default_frontend)
        turns.append(clock() - begin)
    return 1000 * min(turns[1:]) / rows


def clock_for(device: str, threads: int) -> Clock:
    """Seconds of the processor where one thread does the work, whatever else the machine does; else of the wall."""
    return time.process_time if device == "cpu" and threads == 1 else time.perf_counter


def _row(candidate: Candidate, ms: float, scores: Floats, reference: Floats) -> Row:
    difference = np.abs(scores.astype(np.float64) - reference)
    finite = bool(np.isfinite(scores).all())
    largest = float(difference.max()) if finite else None
    top = finite and same_top(scores, reference)
    return Row(
        engine=candidate.engine,
        precision=candidate.precision,
        ms=round(ms, 3),
        largest=largest,
        mean=float(difference.mean()) if finite else None,
        top=top,
        agrees=top and largest is not None and largest <= LIMITS[candidate.precision],
        fault="" if finite else "scores that are not finite",
    )


def same_top(scores: Floats, reference: Floats, count: int = TOP) -> bool:
    """Whether the first labels of every clip are the same; labels that the reference scores alike may change places.

    Args:
        scores: shape [clips, labels].
        reference: same shape.
        count: how many labels count.
    """
    count = min(count, reference.shape[1])
    for ours, theirs in zip(scores, reference, strict=True):
        chosen = np.argsort(-ours, kind="stable")[:count]
        least = np.sort(theirs)[-count]
        if (theirs[chosen] < least - _TIED).any():
            return False
    return True
