"""Turns, ratios and agreement of the engines of one network."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.engines.contenders import ORIGINAL, Contender
from bench.engines.subjects import Subject
from sonotype.core.types import Floats
from sonotype.evaluation.recordings import read_samples
from sonotype.models.card import Card
from sonotype.models.patches import Patcher
from sonotype.models.pooling import pooled
from sonotype.models.runtime import Runtime
from sonotype.models.tuning.measuring import LIMITS, clip_scores, probe_clips, same_top
from sonotype.models.tuning.probe import piece

Row = dict[str, Any]


def measure(subject: Subject, found: Sequence[Contender], music: Sequence[Path], rounds: int) -> list[Row]:
    """One row per contender; the first one is the peer and the reference."""
    card = subject.card
    turns = race(subject, found, rounds)
    heard = {one.name: np.stack([clip_mean(one.runtime, path) for path in music]) for one in found}
    made = {} if found[0].name == ORIGINAL else _made(card, found)
    peer = found[0].name
    rows = [
        {
            "model": card.name,
            "contender": one.name,
            "ms": round(1000 * median(turns[one.name]) / subject.patches, 3),
            "to_peer": round(ratio(turns[peer], turns[one.name]), 3),
            "load_s": round(one.load_s, 2),
            "gate": _largest(made, one.name, peer),
            "gate_top": not made or same_top(made[one.name], made[peer]),
            "music": _largest(heard, one.name, peer),
            "music_mean": float(np.abs(heard[one.name] - heard[peer]).mean()),
            "music_top": sum(same_top(a[None], b[None]) for a, b in zip(heard[one.name], heard[peer], strict=True)),
        }
        for one in found
    ]
    return _judged(rows)


def race(subject: Subject, found: Sequence[Contender], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of every turn, after one unmeasured turn each."""
    card = subject.card
    spec, frontend = card.frontends[card.default_frontend], card.default_frontend
    length = spec.window_samples(card.patch.frames)
    windows = np.stack([piece(seed, length, spec.sample_rate_hz) for seed in range(subject.patches)])
    valid = np.full(len(windows), card.patch.frames)
    turns: dict[str, list[float]] = {one.name: [] for one in found}
    for turn in range(rounds + 1):
        for one in found:
            begin = time.process_time()
            one.runtime.run(windows, valid, "repeat", frontend)
            if turn:
                turns[one.name].append(time.process_time() - begin)
    return turns


def clip_mean(runtime: Runtime, path: Path) -> Floats:
    """Mean scores of a file, cut and weighted as the service does it, shape [labels]."""
    card = runtime.card
    spec = card.frontends[card.default_frontend]
    patcher = Patcher(spec, card.patch)
    windows = [*patcher.feed(read_samples(path, spec.sample_rate_hz)), *patcher.finish()]
    valid = np.array([window.valid_frames for window in windows])
    samples = np.stack([window.samples for window in windows])
    tags = runtime.run(samples, valid, windows[-1].fill, card.default_frontend).arrays["tags"]
    return pooled(tags, patcher.report())


def ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """How many times faster, by the median over rounds."""
    return median(a / b for a, b in zip(slow, fast, strict=True))


def _made(card: Card, found: Sequence[Contender]) -> dict[str, Floats]:
    """Scores of the audio that the gate makes."""
    clips = probe_clips(card)
    return {one.name: clip_scores(one.runtime, clips) for one in found}


def _largest(scores: Mapping[str, Floats], name: str, peer: str) -> float | None:
    return float(np.abs(scores[name] - scores[peer]).max()) if scores else None


def _judged(rows: list[Row]) -> list[Row]:
    """Say which ones the gate lets through, and which of them is the fastest."""
    for row in rows:
        limit = LIMITS["bf16" if row["contender"].endswith("bf16") else "fp32"]
        row["agrees"] = row["gate"] is None or (row["gate_top"] and row["gate"] <= limit)
    free = [row for row in rows if row["agrees"] and row["contender"] != ORIGINAL]
    best = min(free, key=lambda row: row["ms"])
    return [row | {"chosen": row is best} for row in rows]
