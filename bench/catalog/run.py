"""Which embedded engine holds the catalogue.

Every engine runs in a process of its own over the same vectors; those that are searched take turns, so that whatever
else the machine does hits all of them. Ratios are what to read, times belong to the machine. What was built stays in
the working folder and is taken from there the next time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from bench.catalog import corpus, crash, report
from bench.catalog.engines import BARE, NAMES, installed
from bench.catalog.process import Process
from bench.catalog.vectors import Mixture, load
from bench.throughput.run import machine

_HERE = Path(__file__).parents[1]
_INSERTS = 300
_TURN_S = 4.0
_CRASH_ROWS = 16_000


def build(name: str, folder: Path, count: int, nice: int, threads: int) -> dict[str, Any]:
    """Bulk insert, or what is known of it from an earlier run."""
    known = folder / f"{name}.json"
    if known.exists():
        return dict(json.loads(known.read_text()))
    shutil.rmtree(folder / name, ignore_errors=True)
    with Process(name, folder, nice) as process:
        found = process.ask("build", count=count, threads=threads)
        process.finish()
    found["nice"] = nice
    found["rows_per_s"] = count / found["wall_s"]
    found["index_rows_per_s"] = count / found["graph_s"]
    found["disk_mb"] = sum(path.stat().st_size for path in (folder / name).rglob("*") if path.is_file()) / 2**20
    known.write_text(json.dumps(found))
    return found


def serve(names: list[str], folder: Path, queries: int, rounds: int, inserts: int) -> dict[str, dict[str, Any]]:
    """Start all, let them take turns at every kind of query, then insert rows one by one."""
    processes = {name: Process(name, folder) for name in names}
    found: dict[str, dict[str, Any]] = {}
    try:
        for name, process in processes.items():
            found[name] = process.ask("open")
        for kind in corpus.FILTERS:
            asked = [name for name in names if kind == "none" or name not in BARE or name == "exact"]
            for name, row in _turns({n: processes[n] for n in asked}, kind, queries, rounds).items():
                found[name].setdefault("search", {})[kind] = row
            _say(f"{kind}: { ({name: found[name]['search'][kind] for name in asked}) }")
        for name, process in processes.items():
            found[name] |= process.ask("memory")
            if name not in BARE:
                found[name]["insert"] = report.inserts(process.ask("insert", count=inserts))
    finally:
        for process in processes.values():
            process.kill()
    return found


def _turns(processes: dict[str, Process], kind: str, queries: int, rounds: int) -> dict[str, dict[str, float]]:
    """A share of the queries each, in turn; the slow answer fewer, and a first few only warm up."""
    parts: dict[str, list[dict[str, Any]]] = {name: [] for name in processes}
    share = queries // rounds
    for process in processes.values():
        process.ask("search", filter=kind, begin=0, end=min(20, share), limit_s=_TURN_S)
    for number in range(rounds):
        for name, process in processes.items():
            part = {"begin": number * share, "end": (number + 1) * share}
            parts[name].append(process.ask("search", filter=kind, **part, limit_s=_TURN_S))
    return {name: report.searches(rows) for name, rows in parts.items()}


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """All stages, one after the other; what is not asked for is kept from the last result."""
    result = json.loads(args.out.read_text()) if args.out.exists() else {}
    result["machine"] = machine()
    mixture = Mixture.default() if args.embeddings is None else Mixture.fit(load(args.embeddings))
    names = [name for name in args.engines if installed(name)]
    for name in set(args.engines) - set(names):
        _say(f"{name}: not installed")
    stored = [name for name in names if name not in BARE]
    for size in args.sizes:
        label = f"{size} {'gaussian' if args.gaussian else 'music-like'}"
        folder = args.work / label.replace(" ", "-")
        corpus.prepare(folder, None if args.gaussian else mixture, size, args.queries)
        row = result.setdefault("sizes", {}).setdefault(label, {})
        if "build" in args.stages:
            for name in stored:
                row.setdefault(name, {})["build"] = build(name, folder, size, args.build_nice, args.build_threads)
                _say(f"{label} {name}: {row[name]['build']}")
        if "serve" in args.stages:
            row["load_before"] = round(os.getloadavg()[0], 2)
            for name, found in serve(names, folder, args.queries, args.rounds, args.inserts).items():
                row.setdefault(name, {}).update(found)
        if "graph" in args.stages:
            from bench.catalog import graph  # noqa: PLC0415 - needs faiss

            row["graph"] = graph.measure(folder)
        args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if "crash" in args.stages:
        for name in stored:
            folder = args.work / "crash" / name
            shutil.rmtree(folder, ignore_errors=True)
            corpus.prepare(folder, mixture, _CRASH_ROWS, 20)
            found = crash.torture(name, folder, args.kills, seed=1)
            result.setdefault("crash", {})[name] = found
            _say(f"crash {name}: {found}")
        args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return dict(result)


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000])
    parser.add_argument("--engines", nargs="+", default=list(NAMES), choices=NAMES)
    parser.add_argument("--stages", nargs="+", default=["build", "serve", "crash"], choices=report.STAGES)
    parser.add_argument("--embeddings", type=Path, help="NPZ to model the vectors from, not documented constants")
    parser.add_argument("--gaussian", action="store_true", help="vectors without any structure, the worst case")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5, help="turns among which they are shared out")
    parser.add_argument("--inserts", type=int, default=_INSERTS, help="single rows, each looked for at once")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--build-nice", type=int, default=0, help="niceness of building")
    parser.add_argument("--build-threads", type=int, default=2, help="that add rows to the graphs beside SQLite")
    parser.add_argument("--work", type=Path, required=True, help="for vectors and catalogues, up to 15 GB at 1 M")
    parser.add_argument("--out", type=Path, default=_HERE / "results" / "catalog.json")
    return parser.parse_args()


def main() -> None:
    """Measure, write JSON and print tables."""
    args = parse()
    report.show(measure(args))


if __name__ == "__main__":
    main()
