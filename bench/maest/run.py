"""MAEST against the published package: one segment, the same random weights, contenders in turns.

Times are CPU seconds of one thread, so that what else the machine does falls out of most of them; ratios come from the
turns of one run. Without options: speed. `--parity` compares outputs over the whole grid of lengths, patchouts and
batches (ten minutes). `--curve MODEL` measures agreement against cost on music, for any MAEST whose weights are there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from bench.maest import parity, speed
from bench.throughput.run import machine

RESULTS = Path(__file__).parents[1] / "results" / "maest.json"


def main() -> None:
    """Measure what was asked for, print it, and add it to the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, choices=(5, 10, 20, 30), default=30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parity", action="store_true")
    parser.add_argument("--curve", metavar="MODEL")
    parser.add_argument("--music", type=Path, nargs="+", help="folders, for the curve")
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="further model repositories, for the curve")
    parser.add_argument("--picture", type=Path, help="draw the curve as SVG")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.curve and not args.music:
        parser.error("--curve needs --music")
    name, measured, met = _measure(args)
    results: dict[str, Any] = json.loads(args.out.read_text()) if args.out.exists() else {}
    results |= {name: measured, "machine": machine()}
    args.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    sys.exit(0 if met else 1)


def _measure(args: argparse.Namespace) -> tuple[str, Any, bool]:
    """Name of the section, what goes into it, and whether its aims are met."""
    load = os.getloadavg()[0]
    if args.parity:
        rows = []
        for row in parity.run():
            rows.append(row)
            print(row, flush=True)
        print(parity.table(rows))
        return "parity", rows, parity.met(rows)
    if args.curve:
        return _curve(args)
    result = speed.measure(args.seconds, args.rounds) | {"load": round(load, 2)}
    show(result)
    return "speed", result, all(speed.aims(result).values())


def _curve(args: argparse.Namespace) -> tuple[str, Any, bool]:
    from bench.maest import curve, picture  # noqa: PLC0415 - only what is asked for is imported

    result = curve.measure(args.curve, args.models, args.music)
    Console().print(curve.table(result))
    if args.picture:
        args.picture.write_text(picture.draw(result["rows"]), encoding="utf-8")
    return f"curve {args.curve}", result, True


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    table = Table("", "quality", "CPU s", "x maest-infer", "x full", "GFLOP", "of rate", "logits", "block 7")
    for row in result["rows"]:
        numbers = [f"{row['cpu_s']:.3f}", f"{row['to_peer']:.2f}", f"{row['to_full']:.2f}"]
        shares = [f"{row['gflop']:.0f}", f"{row['of_rate']:.0%}"]
        block = "" if row["block7"] is None else f"{row['block7']:.1e}"
        table.add_row(row["contender"], row["quality"], *numbers, *shares, f"{row['logits']:.1e}", block)
    Console(width=120).print(table)
    for name, seconds in result["waveform_cpu_s"].items():
        print(f"samples to scores, {name}: {seconds:.3f} s")
    print("GFLOP/s of one core:", {name: round(rate) for name, rate in result["gemm_gflops"].items()})
    print("aims:", speed.aims(result))


if __name__ == "__main__":
    main()
