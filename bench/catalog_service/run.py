"""Similarity through the real service.

First the engine in this process, in turn with the bare graphs of faiss and usearch over the same vectors; then
`sonotype serve` on the same catalogue over one kept connection. Ratios are what to read, times belong to the machine.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from bench.catalog import corpus
from bench.catalog.vectors import Mixture
from bench.catalog_service import engine, gateway, report
from bench.catalog_service.build import build
from bench.throughput.run import machine

_HERE = Path(__file__).parents[1]
_MB = 2**20
_DEGRADED = 100  # queries while the graph is being built


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Build what is not there yet, then measure."""
    work = args.work / str(args.size)
    corpus.prepare(work, Mixture.default(), args.size, args.queries)
    built = build(work, work / "data" / "catalog", args.build_nice)
    data = corpus.load(work)
    result: dict[str, Any] = {"machine": machine(), "rows": args.size, "build": built, "load_before": _load()}
    result["engine"] = engine.measure(data, work, args.queries, args.rounds, args.usearch_s)
    result["http"] = gateway.measure(data, work, args.queries)
    result["load_after"] = _load()
    if args.degraded:
        result["degraded"] = gateway.measure_degraded(data, work, min(_DEGRADED, args.queries))
    result["disk"] = {name: round(size / _MB, 1) for name, size in _files(work / "data" / "catalog").items()}
    result["disk_mb"] = round(sum(result["disk"].values()))
    return result


def _files(folder: Path) -> dict[str, int]:
    """Bytes by kind of file."""
    found: dict[str, int] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            kind = "snapshots" if path.suffix == ".index" else path.name
            found[kind] = found.get(kind, 0) + path.stat().st_size
    return found


def _load() -> float:
    return round(os.getloadavg()[0], 2)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1_000_000, help="tracks")
    parser.add_argument("--queries", type=int, default=1000, help="of each kind")
    parser.add_argument("--rounds", type=int, default=5, help="turns among which those without a filter are shared out")
    parser.add_argument("--usearch-s", type=float, default=3600, help="longest time for building the graph of usearch")
    parser.add_argument("--degraded", action="store_true", help="start without a snapshot, too")
    parser.add_argument("--build-nice", type=int, default=0, help="niceness of making the graph")
    parser.add_argument("--work", type=Path, required=True, help="for vectors and the catalogue, 7 GB at 1 M")
    parser.add_argument("--out", type=Path, default=_HERE / "results" / "catalog-service.json")
    return parser.parse_args()


def main() -> None:
    """Measure, write JSON and print tables."""
    args = parse()
    result = measure(args)
    args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    report.show(result)


if __name__ == "__main__":
    main()
