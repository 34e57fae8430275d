"""Turns, medians and ratios."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import torch

from bench.maest import contenders as makers
from bench.maest import flops, parity, rates
from bench.maest.contenders import PEER, QUALITIES, Contender, Outputs
from bench.maest.oracle import ask_block, make_pair

LIMIT = 1e-4
TIMES_PEER, TIMES_FULL, OF_RATE = 1.5, 4.0, 0.5
# contender and quality to CPU seconds of every turn
Turns = dict[tuple[str, str], list[float]]


def measure(seconds: int, rounds: int) -> dict[str, Any]:
    """Everything that is printed and written about one segment of so many seconds."""
    mel = torch.rand(1, parity.FRAMES[seconds], 96, generator=torch.Generator().manual_seed(seconds)) * 4
    oracle, ours = make_pair(seconds)
    ours.tapped = (7,)
    found = makers.make(oracle, ours)
    before = rates.measure()
    with torch.inference_mode():
        turns, answers = race(found, mel, rounds)
        whole = waveform_seconds(makers.waveforms(seconds, oracle, ours, found), max(1, rounds // 2))
        for quality, patchout in QUALITIES.items():
            answers[PEER, quality] = {**answers[PEER, quality], "block7": ask_block(oracle, mel, 7, patchout)}
    gemm = {name: max(rate, before[name]) for name, rate in rates.measure().items()}
    tokens = {quality: ours.tokens(mel, patchout).shape[1] for quality, patchout in QUALITIES.items()}
    return {
        "seconds": seconds,
        "rounds": rounds,
        "tokens": tokens,
        "rows": [row | _work(row, tokens, found, gemm, flops.Size.of(ours)) for row in rows(turns, answers)],
        "waveform_cpu_s": whole,
        "gemm_gflops": {name: round(rate, 1) for name, rate in gemm.items()},
        "gflop_counted_by_torch": {q: round(flops.counted(ours, mel, p) / 1e9, 2) for q, p in QUALITIES.items()},
    }


def race(
    found: Mapping[str, Contender], mel: torch.Tensor, rounds: int
) -> tuple[Turns, dict[tuple[str, str], Outputs]]:
    """Let everybody take turns, after one unmeasured turn each, whose answers are kept."""
    order = [(name, quality) for name in found for quality in QUALITIES]
    answers = {(name, quality): found[name].run(mel, QUALITIES[quality]) for name, quality in order}
    turns: Turns = {key: [] for key in order}
    for _ in range(rounds):
        for name, quality in order:
            turns[name, quality].append(cpu_seconds(lambda: found[name].run(mel, QUALITIES[quality])))  # noqa: B023
    return turns, answers


def waveform_seconds(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Medians in turns, of whole ways from samples to scores."""
    for run in runs.values():
        run()
    turns = {name: [] for name in runs}  # type: dict[str, list[float]]
    for _ in range(rounds):
        for name, run in runs.items():
            turns[name].append(cpu_seconds(run))
    return {name: round(median(times), 3) for name, times in turns.items()}


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def rows(turns: Turns, answers: Mapping[tuple[str, str], Outputs]) -> list[dict[str, Any]]:
    """One row per contender and quality; ratios are medians over rounds of the ratio within a round."""
    return [
        {
            "contender": name,
            "quality": quality,
            "cpu_s": round(median(times), 4),
            "to_peer": round(ratio(turns[PEER, quality], times), 3),
            "to_full": round(ratio(turns[name, "full"], times), 3),
            "logits": _difference(answers[name, quality], answers[PEER, quality], "logits"),
            "block7": _difference(answers[name, quality], answers[PEER, quality], "block7"),
        }
        for (name, quality), times in turns.items()
    ]


def _work(
    row: Mapping[str, Any],
    tokens: Mapping[str, int],
    found: Mapping[str, Contender],
    gemm: Mapping[str, float],
    size: flops.Size,
) -> dict[str, float]:
    """Operations, and the share of the measured rate that they were done at."""
    contender = found[row["contender"]]
    count = flops.as_published if contender.blocks is None else flops.executed
    gflop = count(tokens[row["quality"]], size) / 1e9
    return {"gflop": round(gflop, 2), "of_rate": round(gflop / row["cpu_s"] / gemm[contender.rate], 3)}


def ratio(slow: list[float], fast: list[float]) -> float:
    """How many times faster, by the median over rounds."""
    return median(a / b for a, b in zip(slow, fast, strict=True))


def aims(result: Mapping[str, Any]) -> dict[str, bool]:
    """Which aims are met, each by the float32 engine that serves."""
    best = {row["quality"]: row for row in result["rows"] if row["contender"] == "openvino fp32"}
    equal = all(row["logits"] < LIMIT and row["block7"] < LIMIT for row in best.values())
    return {
        f"{TIMES_PEER} times as fast as {PEER}": best["full"]["to_peer"] >= TIMES_PEER,
        f"equal to {LIMIT}": equal,
        f"fast {TIMES_FULL} times as fast as full": best["fast"]["to_full"] >= TIMES_FULL,
        "half of the GEMM rate": best["full"]["of_rate"] >= OF_RATE,
    }


def _difference(mine: Outputs, theirs: Outputs, name: str) -> float | None:
    return float((mine[name] - theirs[name]).abs().max()) if name in mine and name in theirs else None
