"""Throughput from file to tags against Essentia, in one run.

Every contender is a long-lived process with one thread of arithmetic; they take turns file by file, so that whatever
else the machine does hits all of them. Cost is CPU time (user and system) of the whole process tree, decoder children
included; loading is not counted. Results are ratios to Essentia with the same weights at the same hop.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

from bench.contender import Contender, Run
from bench.throughput import gemm, report
from bench.throughput.graphdef import frozen_graph
from bench.throughput.memory import measure as measure_memory
from sonotype.core.settings import Settings
from sonotype.models.registry import Registry

# name -> (precision, engine) of ours; (resample quality, hop in frames) of Essentia
OURS = {"sonotype": ("auto", "auto"), "sonotype-fp32": ("fp32", "auto"), "torch-reference": ("fp32", "torch")}
ESSENTIA = {"essentia": (4, 187), "essentia-q1": (1, 187), "essentia-defaults": (1, 93)}
ANCHOR = "essentia"
# these run on a part of the files only: they are slow, and no target depends on them
_ASIDE = {"torch-reference", "essentia-q1", "essentia-defaults"}


def command_of(name: str, model: str, essentia: str, graph: Path) -> list[str]:
    """The command line of one contender."""
    if name in OURS:
        return [sys.executable, "-m", "bench.throughput.sonotype_worker", model, *OURS[name]]
    quality, hop = ESSENTIA[name]
    worker = Path(__file__).with_name("essentia_worker.py")
    return [essentia, str(worker), str(graph), str(quality), str(hop)]


def race(contenders: list[Contender], files: list[Path], aside: int) -> dict[str, list[Run]]:
    """Let the contenders take turns on each file, after one unmeasured file each."""
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for contender in contenders:
        contender.run(files[0])
    for number, path in enumerate(files):
        # another order each time: nobody always runs on the caches that the same neighbour left
        turn = number % len(contenders)
        for contender in contenders[turn:] + contenders[:turn]:
            if contender.name not in _ASIDE or number < aside:
                runs[contender.name].append(contender.run(path))
        sys.stderr.write(f"\r{number + 1}/{len(files)} files")
    sys.stderr.write("\n")
    return runs


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, help="folder of clips of equal length, see bench.throughput.prepare")
    parser.add_argument("--essentia", default=os.environ.get("SONOTYPE_BENCH_ESSENTIA"), metavar="PYTHON")
    parser.add_argument("--model", default="musicnn-msd", choices=["musicnn-msd", "musicnn-mtt", "vgg-msd", "vgg-mtt"])
    parser.add_argument("--contenders", default=",".join([*OURS, *ESSENTIA]), help="comma-separated")
    parser.add_argument("--tracks", type=int, default=50)
    parser.add_argument("--aside", type=int, default=8, help="files for the slow contenders without a target")
    parser.add_argument("--seconds", type=float, default=180.0, help="length of a clip")
    parser.add_argument("--no-memory", action="store_true", help="skip the 60-minute file")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "results" / "throughput.json")
    return parser.parse_args()


def main() -> None:
    """Measure, print a table and write JSON."""
    args = parse()
    files = sorted(args.clips.glob("*.mp3"))[: args.tracks]
    names = [name for name in args.contenders.split(",") if name in OURS or args.essentia]
    if not files:
        sys.exit(f"no MP3 files in {args.clips}; make some: python -m bench.throughput.prepare MUSIC {args.clips}")
    settings = Settings()
    rates = {precision: gemm.peak_gflops(precision) for precision in ("fp32", "bf16")}
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "graph.pb"
        card = Registry([], settings.weights_dir).get(args.model)
        graph.write_bytes(frozen_graph(card, settings.weights_dir))
        contenders = [Contender(name, command_of(name, args.model, args.essentia, graph)) for name in names]
        try:
            runs = race(contenders, files, args.aside)
        finally:
            for contender in contenders:
                contender.close()
    command = command_of("sonotype", args.model, "", graph)
    memory = None if args.no_memory else measure_memory(command, files)
    result = report.summarise(runs, args.seconds, ANCHOR, rates, args.model)
    result |= {"model": args.model, "memory": memory, "machine": machine()}
    args.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(report.table(result) + "\n")


def machine() -> dict[str, str | int]:
    """What it ran on: enough to read the ratios, no more."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    model = next((line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")), "unknown")
    return {"cpu": model, "cores": os.cpu_count() or 1, "python": platform.python_version()}


if __name__ == "__main__":
    main()
