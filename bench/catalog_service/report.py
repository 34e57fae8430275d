"""The tables, in Markdown, and what the aims say to them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.catalog.report import AIM_FILTERED_MS, AIM_PLAIN_MS, AIM_RECALL

AIM_HTTP_MS = 10.0
Row = dict[str, float]


def row(seconds: Sequence[float], recall: float, cpu_s: float, turns: int = 5) -> Row:
    """Quantiles of all queries and of the calmest of some turns, processor time of the process, and recall@10."""
    calm = min(float(np.percentile(turn, 99)) for turn in np.array_split(seconds, min(turns, len(seconds))))
    quantiles = {f"p{q}_ms": round(float(np.percentile(seconds, q)) * 1e3, 3) for q in (50, 99)}
    return {
        "queries": len(seconds),
        **quantiles,
        "calm_p99_ms": round(calm * 1e3, 3),
        "cpu_ms": round(cpu_s / len(seconds) * 1e3, 3),
        "recall": round(recall, 4),
    }


def show(result: dict[str, Any]) -> None:
    """Print what was measured."""
    engine, http = result["engine"]["search"], result["http"]["search"]
    _write(f"\n{result['rows']} tracks, load {result['load_before']} before and {result['load_after']} after\n\n")
    _head("in the process", "p50 to bare faiss")
    for name, one in engine.items():
        ratio = one["p50_ms"] / engine["bare faiss"]["p50_ms"]
        held = f" ({one['rows']:.0f} rows)" if one.get("rows", result["rows"]) < result["rows"] else ""
        _write(f"| {name}{held} {_figures(one)} | {ratio:.2f} | {_engine_aims(name, one)} |\n")
    _head("over HTTP", "p99 beyond the engine, ms")
    for name, one in http.items():
        more = beyond(name, one, engine)
        _write(f"| {name} {_figures(one)} | {more:.2f} | {_yes(more <= AIM_HTTP_MS and _recalls(one))} |\n")
    _write(f"\n{_facts(result)}\n")


def beyond(name: str, one: Row, engine: dict[str, Row]) -> float:
    """What a request takes longer than the engine for the ten nearest with the same filter, at the 99th percentile."""
    kind = name.rpartition(", ")[2]
    return one["p99_ms"] - engine[f"engine, {kind}"]["p99_ms"]


def _head(what: str, compared: str) -> None:
    _write(f"\n| {what} | recall@10 | p50, ms | p99, ms | processor, ms | {compared} | aims met |\n{'|---' * 7}|\n")


def _figures(one: Row) -> str:
    return f"| {one['recall']:.4f} | {one['p50_ms']:.2f} | {one['p99_ms']:.2f} | {one['cpu_ms']:.2f}"


def _engine_aims(name: str, one: Row) -> str:
    if not name.startswith("engine") or name.endswith("candidates"):
        return ""
    limit = AIM_PLAIN_MS if name == "engine, none" else AIM_FILTERED_MS
    return _yes(one["p99_ms"] <= limit and _recalls(one))


def _recalls(one: Row) -> bool:
    return one["recall"] >= AIM_RECALL


def _yes(met: bool) -> str:
    return "yes" if met else "no"


def _facts(result: dict[str, Any]) -> str:
    http, degraded = result["http"], result.get("degraded")
    lines = [
        f"First answer {http['first_answer_s']} s after the start of the service.",
        f"Resident memory of the gateway: {http['resident_at_start_mb']} MB, {http['resident_mb']} MB after all of it.",
        f"On the disk: {result['disk_mb']} MB ({result['disk']}).",
        f"Built: {result['build']}.",
    ]
    if degraded:
        lines.append(
            f"Without a snapshot: first answer after {degraded['first_answer_s']} s, then p50 {degraded['p50_ms']} ms, "
            f"p99 {degraded['p99_ms']} ms while the graph is being built, degraded and exact."
        )
    return "\n".join(f"- {line}" for line in lines)


def _write(text: str) -> None:
    sys.stdout.write(text)
