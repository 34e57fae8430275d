"""The tables of docs/catalog-engines.md: `python -m bench.catalog.tables` writes them anew from results/catalog.json.

A table stands under a line `<!-- what: size -->`; everything else in the document stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_BENCH = Path(__file__).parents[1]
RESULTS, DOCUMENT = _BENCH / "results" / "catalog.json", _BENCH.parent / "docs" / "catalog-engines.md"
NAMES = {
    "faiss-sqlite": "**faiss + SQLite**",
    "faiss-fp16-sqlite": "faiss, 16 bits, + SQLite",
    "usearch-sqlite": "usearch + SQLite",
    "lancedb": "LanceDB",
    "milvus-lite": "milvus-lite",
    "bare-faiss": "faiss alone",
    "bare-usearch": "usearch alone",
    "exact": "exact, NumPy",
}
KINDS = {"none": "no filter", "10 %": "10 %", "10 % correlated": "10 %, correlated", "1 %": "1 %", "0.1 %": "0.1 %"}
_ANCHOR = re.compile(r"(<!-- (\w+): (\d+) -->\n)(?:\|.*\n)*")
Rows = dict[str, Any]


def rewritten(document: str, results: dict[str, Any]) -> str:
    """A document with its tables as the results have them.

    Raises:
        KeyError: an anchor names a table or a size that there is not.
    """

    def table(found: re.Match[str]) -> str:
        lines = TABLES[found[2]](results["sizes"][f"{found[3]} music-like"])
        return found[1] + "".join(f"| {' | '.join(line)} |\n" for line in lines)

    return _ANCHOR.sub(table, document)


def searches(rows: Rows) -> Iterable[list[str]]:
    """Recall, median and 99th percentile of each contender, for each filter."""
    yield from (["", *KINDS.values()], ["---"] + ["--:"] * len(KINDS))
    for name, row in _measured(rows, "search"):
        yield [NAMES[name], *(_found(row["search"].get(kind)) for kind in KINDS)]


def ratios(rows: Rows) -> Iterable[list[str]]:
    """How many times the median and the 99th percentile of the bare graphs a query without a filter takes."""
    bare = {name: rows[name]["search"]["none"] for name in ("bare-faiss", "bare-usearch") if name in rows}
    yield ["p50 / p99, times that of", *(NAMES[name] for name in bare)]
    yield ["---"] + ["--:"] * len(bare)
    for name, row in _measured(rows, "search"):
        mine = row["search"]["none"]
        yield [NAMES[name], *(" / ".join(f"{mine[q] / his[q]:.2f}" for q in _QUANTILES) for his in bare.values())]


def costs(rows: Rows) -> Iterable[list[str]]:
    """What keeping the rows takes."""
    heads = (
        "bulk, rows/s",
        "rows per CPU-s",
        "single insert p50 / p99, ms",
        "first answer, s",
        "disk, MB",
        "memory, MB",
    )
    yield from (["", *heads], ["---"] + ["--:"] * len(heads))
    for name, row in _measured(rows, "insert"):
        build = row["build"]
        rate = f"{build['rows_per_s']:.0f}" if "rows_per_s" in build else ""
        inserted = " / ".join(_number(row["insert"][q]) for q in _QUANTILES)
        cells = (rate, f"{build['rows'] / build['cpu_s']:.0f}", inserted, f"{row['start_s']:.1f}")
        yield [NAMES[name], *cells, f"{build['disk_mb']:.0f}", f"{row['resident_mb']:.0f}"]


TABLES: dict[str, Callable[[Rows], Iterable[list[str]]]] = {"searches": searches, "ratios": ratios, "costs": costs}
_QUANTILES = ("p50_ms", "p99_ms")


def _measured(rows: Rows, what: str) -> Iterable[tuple[str, Rows]]:
    return ((name, rows[name]) for name in NAMES if what in rows.get(name, {}))


def _found(row: dict[str, float] | None) -> str:
    if row is None:
        return ""
    recall = "1" if row["recall"] >= 0.9995 else f"{row['recall']:.3f}".lstrip("0")
    return f"{recall}; {' / '.join(_number(row[q]) for q in _QUANTILES)}"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text("utf-8"), json.loads(RESULTS.read_text("utf-8"))), "utf-8")
