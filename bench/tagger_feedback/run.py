"""Corrections of a tagger: milliseconds at many prototypes, and accuracy beside a refit and beside peers.

    python -m bench tagger-feedback [--mulan FOLDER] [--tags TAGS.npz …] [--out FILE.json]

FOLDER holds corpora in Mulan's format, TAGS.npz what `python -m bench.prototype_generation.music` makes. The labels
that a tagger begins with are a fifth wrong; half of the corrections mend them, half speak of tracks new to it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.prototype_generation.mulan import load
from bench.prototype_generation.run import tags
from bench.tagger_feedback.cost import cost
from bench.tagger_feedback.worth import worth

CORPORA = ("emotions", "scene", "yeast")
SEEDS = range(10)
NUMBERS = ("map_before", "map_after", "map_refit", "correction_ms", "refit_ms")


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over the seeds of one corpus."""
    facts = {name: rows[0][name] for name in ("corpus", "tracks", "labels", "prototypes", "corrections")}
    means = {name: round(float(np.mean([row[name] for row in rows])), 4) for name in NUMBERS}
    apart = [row["map_after"] - row["map_refit"] for row in rows]
    spread = {
        "after_less_refit": round(float(np.mean(apart)), 4),
        "standard_error": round(float(np.std(apart, ddof=1) / len(apart) ** 0.5), 4),
        "worst_seed": round(min(apart), 4),
    }
    others = [
        {"name": name} | {key: round(float(np.mean([row["peers"][i][key] for row in rows])), 4) for key in _PEER}
        for i, name in enumerate(peer["name"] for peer in rows[0]["peers"])
    ]
    return {**facts, **means, **spread, "peers": others, "seeds": rows}


_PEER = ("map_after", "correction_ms")


def show(timed: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
    """Print both tables."""
    grid = Table(title="one correction, written down", box=None)
    for name in ("prototypes", "d", "labels", "wall ms: median, p99", "cpu ms: median, p99", "fsync alone", "replay"):
        grid.add_column(name, justify="right")
    for row in timed:
        spreads = [f"{row[key]['median']:.2f}, {row[key]['p99']:.2f}" for key in ("wall_ms", "cpu_ms")]
        sizes = (row["prototypes"], row["dim"], row["labels"])
        same = "same bits" if row["replay_equals_bit_for_bit"] else "DIFFERS"
        grid.add_row(*map(str, sizes), *spreads, f"{row['of_which_fsync_ms']['median']:.2f}", same)
    Console(width=140).print(grid)
    grid = Table(title="mAP on tracks apart", box=None)
    for name in ("corpus", "tracks", "prototypes", "before", "after", "refit", "after - refit", "refit ms", "peers"):
        grid.add_column(name, justify="left" if name in ("corpus", "peers") else "right")
    for row in found:
        peers = ", ".join(f"{peer['name']} {peer['map_after']:.3f}" for peer in row["peers"])
        shown = [f"{row[name]:.3f}" for name in ("map_before", "map_after", "map_refit")]
        shown.append(f"{row['after_less_refit']:+.3f} ± {row['standard_error']:.3f}")
        sizes = (str(row["tracks"]), str(row["prototypes"]))
        grid.add_row(row["corpus"], *sizes, *shown, f"{row['refit_ms']:.0f}", peers)
    Console(width=160).print(grid)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mulan", type=Path, help="folder of corpora")
    parser.add_argument("--tags", type=Path, nargs="*", default=[], help="tag data")
    parser.add_argument("--prototypes", type=int, nargs="*", default=[1000, 10_000], help="sizes to time")
    parser.add_argument("--dim", type=int, default=200)
    parser.add_argument("--labels", type=int, default=50)
    parser.add_argument("--corrections", type=int, default=400, help="how many to time")
    parser.add_argument("--budget", type=float, default=0.1, help="of the taggers whose accuracy is measured")
    parser.add_argument("--folder", type=Path, help="where to write; default: a temporary folder")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    given = parser.parse_args()
    corpora = [*(load(given.mulan, name) for name in (CORPORA if given.mulan else ())), *map(tags, given.tags)]
    timed = [cost(size, given.dim, given.labels, given.corrections, given.folder) for size in given.prototypes]
    found = [summary([worth(corpus, given.budget, seed) for seed in SEEDS]) for corpus in corpora]
    show(timed, found)
    if given.out:
        given.out.write_text(json.dumps({"cost": timed, "worth": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
