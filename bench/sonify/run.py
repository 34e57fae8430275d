"""Time to sound: 4 s from an embedding, the first block of it, and the same from the published chain, in one run.

Our parts take turns, so that whatever else the machine does hits all of them; results are medians, and ratios to ours.
With a model folder, requests to the service take turns with them: idle with one thread and with two, and afterwards
one that makes renderings ahead all the while. The published chain runs last with random weights, which cost the same
time as trained ones.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from bench.sonify import contenders, service
from bench.sonify.contenders import Timing
from bench.throughput.run import machine

AIM_FIRST_S, AIM_WHOLE_S = 0.25, 0.5
_OURS, _SERVED, _AHEAD = "ours", "over HTTP", "over HTTP, while renderings are made ahead"


def race(runs: dict[str, Callable[[int], Timing]], rounds: int) -> dict[str, list[Timing]]:
    """Let everybody take turns, after one unmeasured turn each."""
    for run in runs.values():
        run(0)
    found: dict[str, list[Timing]] = {name: [] for name in runs}
    for turn in range(rounds):
        for name, run in runs.items():
            found[name].append(run(turn))
    return found


def race_with_service(
    runs: dict[str, Callable[[int], Timing]], model: Path | None, rounds: int
) -> dict[str, list[Timing]]:
    """Let everybody take turns, with requests to the service where there is a model folder for it."""
    if model is None:
        return race(runs, rounds)
    with tempfile.TemporaryDirectory() as folder:
        with ExitStack() as stack:
            for name, threads in ((_SERVED, 1), (f"{_SERVED}, 2 threads", 2)):
                started = service.serving(Path(folder) / str(threads), model, threads=threads, ahead=False)
                runs[name] = stack.enter_context(started)
            found = race(runs, rounds)
        with service.serving(Path(folder) / "ahead", model, threads=1, ahead=True) as run:
            return found | race({_AHEAD: run}, rounds)


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
    for name in (_OURS, _SERVED, _AHEAD):
        if name in result["contenders"]:
            verdict = "met" if met(result["contenders"][name]) else "not met"
            Console().print(f"{name}: first block {AIM_FIRST_S} s, whole {AIM_WHOLE_S} s: {verdict}")


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
    parser.add_argument("--http", action=argparse.BooleanOptionalAction, default=True, help="also ask the service")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "results" / "sonify.json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    sonifier, peer = contenders.ours(args.model, args.threads), contenders.published()
    runs = {_OURS: contenders.whole(sonifier), **contenders.parts(sonifier, sonifier.steps, sonifier.guidance)}
    runs["ours, 25 steps"] = contenders.whole(sonifier, 25)
    load_before = os.getloadavg()[0]
    found = race_with_service(runs, args.model if args.http else None, args.rounds)
    # half a minute each and more, so it gets fewer turns
    found |= race({"published, 40 steps": contenders.whole(peer)}, args.peer_rounds) if args.peer_rounds else {}
    summary = summarise(found)
    setting = {"threads": args.threads, "steps": sonifier.steps, "guidance": sonifier.guidance, "load": load_before}
    result = {"contenders": summary, **setting, "machine": machine()}
    args.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    show(result)
    sys.exit(0 if all(met(summary[name]) for name in (_OURS, _SERVED, _AHEAD) if name in summary) else 1)


if __name__ == "__main__":
    main()
