"""Time to sound: 4 s from an embedding, the first block of it, and the same from the published chain, in one run.

Our parts take turns, so that whatever else the machine does hits all of them; results are medians, and ratios to ours.
The published chain runs after them with random weights, which cost the same time as trained ones.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from bench.sonify import contenders
from bench.sonify.contenders import Timing
from bench.throughput.run import machine

AIM_FIRST_S, AIM_WHOLE_S = 0.25, 0.5
_OURS = "ours"


def race(runs: dict[str, Callable[[int], Timing]], rounds: int) -> dict[str, list[Timing]]:
    """Let everybody take turns, after one unmeasured turn each."""
    for run in runs.values():
        run(0)
    found: dict[str, list[Timing]] = {name: [] for name in runs}
    for turn in range(rounds):
        for name, run in runs.items():
            found[name].append(run(turn))
    return found


def summarise(found: dict[str, list[Timing]]) -> dict[str, dict[str, float]]:
    """Medians in seconds, and how many times ours each takes."""
    anchor = median(whole for _, whole in found[_OURS])
    return {
        name: {
            "first_s": round(median(first for first, _ in timings), 4),
            "whole_s": round(median(whole for _, whole in timings), 4),
            "worst_s": round(max(whole for _, whole in timings), 4),
            "ratio": round(median(whole for _, whole in timings) / anchor, 3),
        }
        for name, timings in found.items()
    }


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    table = Table("", "first block (s)", "whole (s)", "worst (s)", "times ours")
    for name, row in result["contenders"].items():
        first = f"{row['first_s']:.3f}" if row["first_s"] else ""
        table.add_row(name, first, f"{row['whole_s']:.3f}", f"{row['worst_s']:.3f}", f"{row['ratio']:.2f}")
    Console().print(table)
    best = result["contenders"][_OURS]
    Console().print(f"aims: first block {AIM_FIRST_S} s, whole {AIM_WHOLE_S} s: {'met' if met(best) else 'not met'}")


def met(row: dict[str, float]) -> bool:
    """Whether both aims are met."""
    return row["first_s"] <= AIM_FIRST_S and row["whole_s"] <= AIM_WHOLE_S


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?", help="model folder; without it, random weights of the same size")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peer-rounds", type=int, default=2, help="turns of the published chain; 0 leaves it out")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "results" / "sonify.json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    sonifier, peer = contenders.ours(args.model, args.threads), contenders.published()
    runs = {_OURS: contenders.whole(sonifier), **contenders.parts(sonifier, sonifier.steps, sonifier.guidance)}
    runs["ours, 25 steps"] = contenders.whole(sonifier, 25)
    load_before = os.getloadavg()[0]
    found = race(runs, args.rounds)
    # half a minute each and more, so it gets fewer turns
    found |= race({"published, 40 steps": contenders.whole(peer)}, args.peer_rounds) if args.peer_rounds else {}
    summary = summarise(found)
    setting = {"threads": args.threads, "steps": sonifier.steps, "guidance": sonifier.guidance, "load": load_before}
    result = {"contenders": summary, **setting, "machine": machine()}
    args.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    show(result)
    sys.exit(0 if met(summary[_OURS]) else 1)


if __name__ == "__main__":
    main()
