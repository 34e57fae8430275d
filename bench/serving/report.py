"""From replies to numbers: medians, quantiles, batches seen, ratios to the bare pass; and the tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.serving.client import Reply

AIM_P50_MS, AIM_P99_MS = 5.0, 15.0
_SAMPLE = re.compile(r'^sonotype_batch_items_(bucket|sum|count)\{(?:.*le="([^"]+)")?.*\} (\S+)$', re.M)


def added(bares: Sequence[float], replies: Sequence[Reply]) -> dict[str, Any]:
    """What a request takes over the bare pass beside it, as a median over the pairs."""
    walls = [reply.wall_s for reply in replies]
    phases = sorted({name for reply in replies for name in reply.phases_s})
    return {
        "pairs": len(replies),
        "bare_ms": _ms(median(bares)),
        "request_ms": _ms(median(walls)),
        "added_ms": _ms(median(wall - bare for wall, bare in zip(walls, bares, strict=True))),
        "ratio": round(median(wall / bare for wall, bare in zip(walls, bares, strict=True)), 3),
        "phases_ms": {name: _ms(median(reply.phases_s.get(name, 0.0) for reply in replies)) for name in phases},
    }


def waits(replies: Sequence[Reply]) -> dict[str, Any]:
    """Quantiles of the wall time at the client."""
    return {"requests": len(replies), **_quantiles([reply.wall_s for reply in replies])}


def aims(replies: Sequence[Reply]) -> dict[str, bool]:
    """Whether the quantiles are within their aims."""
    found = waits(replies)
    return {"p50_met": found["p50_ms"] <= AIM_P50_MS, "p99_met": found["p99_ms"] <= AIM_P99_MS}


def load(bares: Sequence[float], walls: Sequence[float], wall_s: float, clip_s: float, clients: int) -> dict[str, Any]:
    """Throughput of a load, and its ratio to one bare pass after the other."""
    rate, alone = len(walls) * clip_s / wall_s, clip_s / median(bares)
    return {
        "clients": clients,
        "requests": len(walls),
        "audio_s_per_s": round(rate, 1),
        "bare_audio_s_per_s": round(alone, 1),
        "ratio_to_bare": round(rate / alone, 3),
        **_quantiles(walls),
    }


def batches(metrics: str) -> dict[str, float]:
    """The histogram of batch sizes: bound to cumulative count, `sum` and `count`."""
    found: dict[str, float] = {}
    for kind, bound, value in _SAMPLE.findall(metrics):
        name = bound if kind == "bucket" else kind
        found[name] = found.get(name, 0.0) + float(value)
    return found


def between(before: dict[str, float], after: dict[str, float]) -> dict[str, Any]:
    """Batches closed between two looks at the metrics: how many, their mean size, and their share by size."""
    grown = {name: value - before.get(name, 0.0) for name, value in after.items()}
    count, total = grown.pop("count", 0.0), grown.pop("sum", 0.0)
    shares, below, low = {}, 0.0, 1
    for bound, value in sorted(grown.items(), key=lambda item: float(item[0])):
        if value > below:
            top = "" if bound == "+Inf" else str(int(float(bound)))
            shares[top if top == str(low) else f"{low}-{top}"] = round((value - below) / count, 2)
        below, low = value, low if bound == "+Inf" else int(float(bound)) + 1
    return {"count": int(count), "mean_patches": round(total / count, 1) if count else None, "share_by_patches": shares}


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    console = Console(width=120)
    for table in (_latency(result), _cache(result), _throughput(result)):
        console.print(table)
    console.print(f"{result['model']} {result['precision']}, one worker; {result['machine']}; {result['took_s']} s")


def _latency(result: dict[str, Any]) -> Table:
    table = Table(
        "clip", "bare, ms", "request, ms", "added, ms", "ratio", "Server-Timing, ms", title="Not cached, 1 client"
    )
    for name, row in result["latency"].items():
        phases = ", ".join(f"{phase} {value:g}" for phase, value in row["phases_ms"].items())
        values = (row["bare_ms"], row["request_ms"], row["added_ms"], row["ratio"])
        table.add_row(name, *map(str, values), phases)
    return table


def _cache(result: dict[str, Any]) -> Table:
    aim = f"aim p50 ≤ {AIM_P50_MS:g} ms, p99 ≤ {AIM_P99_MS:g} ms"
    table = Table("store", "requests", "p50, ms", "p99, ms", "aim", title=f"Cache hits, 180 s MP3; {aim}")
    for store, rows in result["cache"].items():
        first, again = rows["after_restart"], rows["repeats"]
        verdict = ", ".join(f"{name} {'pass' if again[f'{name}_met'] else 'falls short'}" for name in ("p50", "p99"))
        table.add_row(f"{store}, first after a restart", *_cells(first), "-")
        table.add_row(f"memory over {store}", *_cells(again), verdict)
    return table


def _cells(row: dict[str, Any]) -> tuple[str, str, str]:
    return str(row["requests"]), str(row["p50_ms"]), str(row["p99_ms"])


def _throughput(result: dict[str, Any]) -> Table:
    table = Table("server", "clients", "audio s per s", "to bare", "p50, ms", "p99, ms", "patches per batch")
    table.title = "Distinct 30 s clips, not cached"
    rows = [("sonotype", row) for row in result["throughput"]]
    if peer := result.get("litserve"):
        rows.append(("litserve", peer))
    for name, row in rows:
        values = (row["clients"], row["audio_s_per_s"], row["ratio_to_bare"], row["p50_ms"], row["p99_ms"])
        seen = row.get("batches")
        sizes = f"mean {seen['mean_patches']}; {seen['share_by_patches']}" if seen else "-"
        table.add_row(name, *map(str, values), sizes)
    return table


def _quantiles(walls: Sequence[float]) -> dict[str, float]:
    return {f"p{q}_ms": _ms(float(np.percentile(walls, q))) for q in (50, 99)}


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 2)
