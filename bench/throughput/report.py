"""From runs to ratios: costs against the anchor, steps, share of the GEMM rate, agreement of the tags."""

from __future__ import annotations

from itertools import combinations
from statistics import fmean
from typing import Any

import numpy as np

from bench.contender import Run
from bench.throughput import gemm

Runs = dict[str, list[Run]]


def summarise(runs: Runs, clip_s: float, anchor: str, rates: dict[str, float], model: str) -> dict[str, Any]:
    """Everything that is printed and written."""
    contenders = {name: _costs(name, runs, clip_s, anchor) for name in runs}
    for name, summary in contenders.items():
        if summary["precision"] and model.startswith("musicnn") and summary["steps_cpu_s"]["network"]:
            summary["network_gemm"] = _share(name, summary, clip_s, rates[summary["precision"]])
    pairs = {f"{a} ~ {b}": _agreement(runs[a], runs[b]) for a, b in combinations(runs, 2)}
    return {
        "clip_s": clip_s,
        "contenders": contenders,
        "gemm_gflops_per_core": {name: round(rate) for name, rate in rates.items()},
        "agreement": pairs,
    }


def _costs(name: str, runs: Runs, clip_s: float, anchor: str) -> dict[str, Any]:
    mine = runs[name]
    cpu = fmean(run.cpu_s for run in mine)
    seconds = {step: fmean(run.answer["seconds"].get(step, 0.0) for run in mine) for step in ("frontend", "network")}
    # the steps are timed on the wall; the part of CPU time they do not explain is reading, decoding and cutting
    steps = {"decode": max(0.0, cpu - sum(seconds.values())), **seconds}
    theirs = runs.get(anchor, [])[: len(mine)]
    return {
        "tracks": len(mine),
        "cpu_s_per_track": round(cpu, 4),
        "wall_s_per_track": round(fmean(run.wall_s for run in mine), 4),
        "audio_s_per_cpu_s": round(clip_s / cpu, 1),
        "ratio_to_anchor": round(fmean(run.cpu_s for run in theirs) / cpu, 2) if theirs else None,
        "steps_cpu_s": {step: round(value, 4) for step, value in steps.items()},
        "precision": mine[0].answer.get("precision"),
    }


def _share(name: str, summary: dict[str, Any], clip_s: float, rate: float) -> dict[str, float]:
    """How much of the measured GEMM rate the network's arithmetic uses, counted two ways."""
    patches = int((1 + clip_s * 16000 // 256) // 187)
    per_patch = summary["steps_cpu_s"]["network"] / patches
    done = gemm.PLAIN_GFLOP if name == "torch-reference" else gemm.FAST_GFLOP
    return {
        "ms_per_patch": round(per_patch * 1e3, 2),
        "of_peak_executed": round(done / per_patch / rate, 2),
        "of_peak_as_published": round(gemm.PLAIN_GFLOP / per_patch / rate, 2),
    }


def _agreement(first: list[Run], second: list[Run]) -> dict[str, float]:
    """Compare mean tags on the files that both have run."""
    pairs = [(np.array(a.answer["tags"]), np.array(b.answer["tags"])) for a, b in zip(first, second, strict=False)]
    tops = [(np.argsort(-a)[:5], np.argsort(-b)[:5]) for a, b in pairs]
    return {
        "tracks": len(pairs),
        "max_difference": round(max(float(np.abs(a - b).max()) for a, b in pairs), 6),
        "mean_difference": round(fmean(float(np.abs(a - b).mean()) for a, b in pairs), 6),
        "top5_overlap": round(fmean(len(set(a) & set(b)) for a, b in tops), 3),
        "top5_same_set": sum(set(a) == set(b) for a, b in tops),
        "top5_same_order": sum(list(a) == list(b) for a, b in tops),
        "top1_same": sum(bool(a[0] == b[0]) for a, b in tops),
    }


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = ["| contender | tracks | audio s per CPU s | vs essentia | decode / front end / network, CPU s | wall s |"]
    lines.append("|---|---|---|---|---|---|")
    for name, row in result["contenders"].items():
        known = sum(row["steps_cpu_s"][step] for step in ("frontend", "network"))
        steps = " / ".join(f"{value:.3f}" for value in row["steps_cpu_s"].values()) if known else "-"
        ratio = f"{row['ratio_to_anchor']:.2f}x" if row["ratio_to_anchor"] else "-"
        label = f"{name} ({row['precision']})" if row["precision"] else name
        rate, wall = row["audio_s_per_cpu_s"], row["wall_s_per_track"]
        lines.append(f"| {label} | {row['tracks']} | {rate:.0f} | {ratio} | {steps} | {wall:.2f} |")
    for name, row in result["contenders"].items():
        if share := row.get("network_gemm"):
            lines.append(
                f"\n{name}: network {share['ms_per_patch']} ms per patch; {share['of_peak_executed']:.0%} of the GEMM"
                f" rate in executed operations, {share['of_peak_as_published']:.0%} in those of the published graph."
            )
    lines.append(f"\nGEMM rate of one core: {result['gemm_gflops_per_core']} GFLOP/s.")
    if memory := result.get("memory"):
        lines.append(
            f"Peak memory, 60 min : 3 min = {memory['long_mb']} : {memory['short_mb']} MiB = {memory['ratio']}."
        )
    lines += ["", "| pair | tracks | max tag difference | top-5 overlap | top-5 equal | same order | top-1 equal |"]
    lines.append("|---|---|---|---|---|---|---|")
    for pair, row in result["agreement"].items():
        values = (row["tracks"], row["max_difference"], row["top5_overlap"], row["top5_same_set"])
        lines.append(f"| {pair} | " + " | ".join(map(str, (*values, row["top5_same_order"], row["top1_same"]))) + " |")
    return "\n".join(lines)
