"""From answers to numbers and from numbers to tables, in Markdown."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

STAGES = ("build", "serve", "graph", "crash")
AIM_PLAIN_MS, AIM_FILTERED_MS, AIM_RECALL = 3.0, 15.0, 0.95


def searches(parts: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Quantiles over all turns, over the calmest of them, and of the thread's processor time; and recall@10."""
    seconds = [second for part in parts for second in part["seconds"]]
    weights = [len(part["seconds"]) for part in parts]
    return {
        "queries": len(seconds),
        "p50_ms": _ms(seconds, 50),
        "p99_ms": _ms(seconds, 99),
        "calm_p99_ms": min(_ms(part["seconds"], 99) for part in parts),
        "busy_p99_ms": _ms([second for part in parts for second in part["busy"]], 99),
        "recall": round(float(np.average([part["recall"] for part in parts], weights=weights)), 4),
    }


def inserts(answer: dict[str, Any]) -> dict[str, float]:
    """Quantiles of single inserts, and how many rows the next search did not find."""
    seconds = answer["seconds"]
    return {"p50_ms": _ms(seconds, 50), "p99_ms": _ms(seconds, 99), "missed": answer["missed"], "rows": len(seconds)}


def met(row: dict[str, float], kind: str) -> bool:
    """Whether a kind of query is within the aims."""
    limit = AIM_PLAIN_MS if kind == "none" else AIM_FILTERED_MS
    return row["p99_ms"] <= limit and row["recall"] >= AIM_RECALL


def show(result: dict[str, Any]) -> None:
    """Print all tables."""
    for label, rows in result.get("sizes", {}).items():
        engines = {name: row for name, row in rows.items() if isinstance(row, dict) and name != "graph"}
        sys.stdout.write(f"\n### {label}, load before {rows.get('load_before')}\n\n")
        _table(("engine", *_KINDS), (_search_row(name, row) for name, row in engines.items() if "search" in row))
        _table(_COSTS, (_cost_row(name, row) for name, row in engines.items() if "build" in row))
    if crash := result.get("crash"):
        heads = tuple(next(iter(crash.values())))
        _table(("engine", *heads), ((name, *row.values()) for name, row in crash.items()))


_KINDS = ("none", "10 %", "10 % correlated", "1 %", "0.1 %")
_COSTS = (
    "engine", "bulk, rows/s", "of it the index, rows/s", "insert p50 / p99, ms", "not found next", "first answer, s",
    "disk, MB", "resident, MB",
)  # fmt: skip


def _search_row(name: str, row: dict[str, Any]) -> Iterable[str]:
    yield name
    for kind in _KINDS:
        found = row["search"].get(kind)
        yield f"{found['recall']:.3f}, {found['p50_ms']:.2f} / {found['p99_ms']:.2f}" if found else ""


def _cost_row(name: str, row: dict[str, Any]) -> Iterable[str]:
    build, insert = row["build"], row.get("insert", {})
    yield name
    yield from (f"{build[rate]:.0f}" if rate in build else "" for rate in ("rows_per_s", "index_rows_per_s"))
    yield f"{insert['p50_ms']:.2f} / {insert['p99_ms']:.2f}" if insert else ""
    yield str(insert.get("missed", ""))
    yield f"{row['start_s']:.2f}" if "start_s" in row else ""
    yield f"{build['disk_mb']:.0f}"
    yield f"{row['resident_mb']:.0f}" if "resident_mb" in row else ""


def _table(heads: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    lines = [" | ".join(heads), "|".join(["---"] * len(heads)), *(" | ".join(map(str, row)) for row in rows)]
    sys.stdout.write("".join(f"| {line} |\n" for line in lines) + "\n")


def _ms(seconds: Sequence[float], q: int) -> float:
    return round(float(np.percentile(seconds, q)) * 1e3, 3)
