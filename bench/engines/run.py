"""Engines and arithmetic: milliseconds per patch, and how far scores lie from torch in float32, in the same table.

Samples to scores, one thread, CPU seconds, contenders in turns; ratios come from the turns of one run. Agreement is
measured twice: on the audio that the gate makes, which decides, and on the music of `tests/golden/clips`, which says
whether the gate decides well. MAEST has random weights of the published sizes. YAMNet has one engine here; its peer is
the interpreter that its file was made for.

Exits with 1 where a choice is slower than the reference or further from it on music than is promised.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from bench.engines import report
from bench.engines.contenders import contenders
from bench.engines.measure import Row, measure
from bench.engines.subjects import NAMES, subjects
from bench.throughput.run import machine

_ROOT = Path(__file__).parents[2]
RESULTS = _ROOT / "bench" / "results" / "engines.json"
CLIPS = _ROOT / "tests" / "golden" / "clips"
_QUICK = [name for name in NAMES if name != "maest-30s"]
_PACKAGES = ("torch", "openvino", "onnxruntime", "ai-edge-litert")


def main() -> None:
    """Measure, print both tables and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(NAMES)}; default: all")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contender")
    parser.add_argument("--quick", action="store_true", help="one round, two clips, without maest-30s; writes no file")
    parser.add_argument("--music", type=Path, default=CLIPS, help="folder of MP3 files")
    parser.add_argument("--doc", type=Path, help="put the table into this page, between its marks")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    unknown = set(args.models) - set(NAMES)
    if unknown:
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    music = sorted(args.music.glob("*.mp3"))[: 2 if args.quick else None]
    names = args.models or (_QUICK if args.quick else list(NAMES))
    result = run(names, music, 1 if args.quick else args.rounds)
    Console(width=140).print(report.table(result))
    print(report.markdown(result))
    if not args.quick:
        args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if args.doc:
        args.doc.write_text(report.placed(args.doc.read_text(encoding="utf-8"), report.markdown(result)), "utf-8")
    broken = report.broken(result["rows"])
    print(
        "every choice is faster than torch in float32 and agrees with it on music"
        if not broken
        else f"broken: {broken}"
    )
    sys.exit(1 if broken else 0)


def run(names: list[str], music: list[Path], rounds: int) -> dict[str, Any]:
    """Measure networks one after the other; the engines of one of them are loaded together."""
    torch.set_num_threads(1)
    load, begin = os.getloadavg()[0], time.perf_counter()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="sonotype-engines-") as folder:
        for subject in subjects(names, Path(folder)):
            print(f"{subject.card.name} …", flush=True)
            rows += measure(subject, contenders(subject), music, rounds)
    return {
        "rows": rows,
        "rounds": rounds,
        "clips": len(music),
        "load": round(load, 2),
        "seconds": round(time.perf_counter() - begin),
        "versions": {name: version(name) for name in _PACKAGES},
        "machine": machine(),
    }


if __name__ == "__main__":
    main()
