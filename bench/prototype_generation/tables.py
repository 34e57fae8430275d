"""The tables of docs/prototype-generation.md out of the figures, in Markdown.

python -m bench.prototype_generation.tables [FILE.json]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

RESULTS = Path(__file__).parents[1] / "results" / "prototype-generation.json"
KINDS = ("near", "br", "lp", "ml")
FAISS = ("faiss flat, all points", "faiss HNSW, all points")
Results = dict[str, Any]


def by_corpus(results: Results) -> Iterator[str]:
    """Quality (mAP) of all points, of soft k-means and of the default method on every corpus."""
    marks = ("all points, equal votes, best k", "all points, near votes, best k")
    yield from _head("corpus", "samples, d, L", *marks, "k-means soft", "entropy", "kept of equal / near")
    for corpus, found in results.items():
        values = {(row["name"], row["kind"]): row["map"] for row in found["rows"]}
        ours, theirs = values["entropy", "near"], max(values["k-means soft", kind] for kind in ("near", "br"))
        best = [found["best_of_all"][votes] for votes in ("equal", "near")]
        kept = " / ".join(f"{100 * ours / value:.0f} %" for _, value in best)
        mark = "**" if ours > theirs else ""
        whole = [f"{value:.3f} (k={k})" for k, value in best]
        shape = f"{found['train']}, {found['d']}, {found['L']}"
        yield _line(corpus, shape, *whole, f"{theirs:.3f}", f"{mark}{ours:.3f}{mark}", kept)


def by_method(results: Results) -> Iterator[str]:
    """Means over the published corpora of every method."""
    small = published(results)

    def mean(name: str, kind: str, figure: str) -> float:
        rows = (row for found in small for row in found["rows"])
        return fmean(row[figure] for row in rows if (row["name"], row["kind"]) == (name, kind))

    yield from _head("method", "size %", *KINDS, "F1 macro near", "br", "F1 micro br", "HL br", "build s", "µs/query")
    for name in (row["name"] for row in small[0]["rows"] if row["kind"] == "near"):
        quality = [f"{mean(name, kind, 'map'):.3f}" for kind in KINDS]
        quality += [f"{mean(name, kind, 'f1_macro'):.3f}" for kind in ("near", "br")]
        quality += [f"{mean(name, 'br', figure):.3f}" for figure in ("f1_micro", "hamming_loss")]
        cost = (f"{mean(name, 'near', 'build_s'):.2f}", f"{mean(name, 'near', 'query_us'):.0f}")
        size = f"{mean(name, 'near', 'size_pct'):.1f}"
        yield _line(name, size, *quality, *cost)
    for name in FAISS:
        found = [f"{mean(name, 'br', figure):.3f}" for figure in ("map", "f1_macro", "f1_micro", "hamming_loss")]
        cost = (f"{mean(name, 'br', 'build_s'):.2f}", f"{mean(name, 'br', 'query_us'):.0f}")
        yield _line(name, "100.0", "", found[0], "", "", "", *found[1:], *cost)


def by_noise(results: Results) -> Iterator[str]:
    """Means over the published corpora at every level of label noise."""
    rows = [row for found in published(results) for row in found["noise"]]
    figures = {"size %": ("size_pct", 1), "mAP": ("map", 3), "F1 macro": ("f1_macro", 3)}
    levels = sorted({row["noise"] for row in rows})
    percent = "/".join(f"{100 * level:.0f}" for level in levels)
    yield from _head("method", *(f"{name} {percent} %".replace("% 0", "0") for name in figures))
    for name in dict.fromkeys(row["name"] for row in rows):
        of = [[row for row in rows if (row["name"], row["noise"]) == (name, level)] for level in levels]
        cells = []
        for key, digits in figures.values():
            means = [f"{fmean(row[key] for row in level):.{digits}f}" for level in of]
            cells.append(" / ".join(value.removesuffix(".0") if value == "100.0" else value for value in means))
        yield _line(name, *cells)


def published(results: Results) -> list[Results]:
    """The corpora of the paper."""
    return [found for found in results.values() if "noise" in found]


def _head(*cells: str) -> Sequence[str]:
    return _line(*cells), "|" + "---|" * len(cells)


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells).replace("|  |", "| |").replace("|  |", "| |") + " |"


def main() -> None:
    results = json.loads(Path(sys.argv[1] if len(sys.argv) > 1 else RESULTS).read_text())
    for table in (by_corpus, by_method, by_noise):
        sys.stdout.write("\n".join(table(results)) + "\n\n")


if __name__ == "__main__":
    main()
