"""Hubness of embeddings before and after correction: over the whole corpus, and where only candidates are re-ranked.

    python -m bench hubness EMBEDDINGS.npz … --manifest MANIFEST.csv [--key penultimate] [--apart source]
    python -m bench hubness                   the control: noise off the centre

The NPZ holds rows of patches under `--key` and `example`, the row of the manifest that each belongs to. Neighbours of
the same `--apart` are left out where labels are compared: phrases of one collection are alike for the wrong reasons.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.hubness import contenders, knobs
from bench.hubness.contenders import Contender
from bench.hubness.corpus import Corpus, control, load
from bench.hubness.measures import WHOLE, agreement, hubness, neighbours
from bench.hubness.picture import draw

K = 10
SAMPLES, SEEDS, FETCHES = (64, 128, 256, 512), (0, 1, 2), (5, 10)
Row = dict[str, Any]


def measure(corpus: Corpus, k: int = K) -> list[Row]:
    """All contenders: sampled ones on over-fetched candidates, and those of full statistics on everything too."""
    full = [
        contenders.cosine(),
        contenders.centred(corpus.vectors),
        contenders.mutual_proximity(corpus.vectors, len(corpus.vectors), 0),
        contenders.local_scaling(corpus.vectors),
    ]
    sizes = [size for size in SAMPLES if size < len(corpus.vectors)]
    sampled = [contenders.mutual_proximity(corpus.vectors, size, seed) for size in sizes for seed in SEEDS]
    rows = list(_rows(corpus, full, [WHOLE, *(times * k for times in FETCHES)], k))
    rows += _rows(corpus, sampled, [times * k for times in FETCHES], k)
    return _over_seeds(rows)


def _rows(corpus: Corpus, field: list[Contender], fetches: list[int], k: int) -> Iterator[Row]:
    free = neighbours(corpus, field, fetches, k, apart=False)
    kept_apart = neighbours(corpus, field, fetches, k, apart=True) if corpus.apart is not None else free
    for (at, fetch), lists in free.items():
        filtered = kept_apart[at, fetch]
        measured = {**hubness(lists), **{f"filtered_{name}": value for name, value in hubness(filtered).items()}}
        agrees = {"agreement": agreement(filtered, corpus), "unfiltered_agreement": agreement(lists, corpus)}
        found = {**measured, **agrees}
        yield {"name": field[at].name, "sample": field[at].sample, "over_fetch": fetch // k, **found}


def _over_seeds(rows: list[Row]) -> list[Row]:
    """Means over the draws of a sample."""
    groups: dict[tuple[str, int, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["name"], row["sample"], row["over_fetch"]), []).append(row)
    return [_mean(group) for group in groups.values()]


def _mean(group: list[Row]) -> Row:
    numbers = [name for name, value in group[0].items() if isinstance(value, float)]
    return group[0] | {name: round(float(np.mean([row[name] for row in group])), 5) for name in numbers}


def show(name: str, rows: list[Row]) -> None:
    """Print the table of a corpus."""
    table = Table("correction", "sample", "from", "skewness", "orphans", "largest hub", "agreement", title=name)
    for row in rows:
        come_from = f"{row['over_fetch']}x" if row["over_fetch"] else "all"
        agrees = "" if row["agreement"] is None else f"{100 * row['agreement']:.2f} %"
        shares = (f"{100 * row[of]:.2f} %" for of in ("orphans", "largest_hub"))
        table.add_row(row["name"], str(row["sample"] or ""), come_from, f"{row['skewness']:.2f}", *shares, agrees)
    Console(width=110).print(table)


def main() -> None:
    """Measure every embedding; without any, noise as the control."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("embeddings", nargs="*", type=Path)
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--key", default="penultimate", help="array of the NPZ")
    parser.add_argument("--label", default="labels", help="column of the manifest that neighbours should agree on")
    parser.add_argument("--apart", default="source", help="column that neighbours must differ in to count")
    parser.add_argument("--knobs", action="store_true", help="measure diversity and negative weights instead")
    parser.add_argument("--out", type=Path, help="add the figures to this JSON file")
    parser.add_argument("--picture", type=Path, help="draw all figures of that file as SVG")
    args = parser.parse_args()
    results: dict[str, Any] = json.loads(args.out.read_text()) if args.out and args.out.exists() else {}
    corpora = [load(path, args.key, args.manifest, args.label, args.apart) for path in args.embeddings]
    for corpus in [*corpora, *([] if corpora else [control()])]:
        shape = {"tracks": len(corpus.vectors), "dim": corpus.vectors.shape[1], "k": K}
        result = results.setdefault(corpus.name, shape)
        if args.knobs:
            result |= {"diversity": list(knobs.diversity(corpus)), "negative": list(knobs.negative(corpus))}
            Console(width=110).print(corpus.name, result["diversity"], result["negative"])
        else:
            result["rows"] = measure(corpus)
            show(corpus.name, result["rows"])
        if args.out:
            args.out.write_text(json.dumps(results, indent=1) + "\n")
    if args.picture:
        args.picture.write_text(draw(results))


if __name__ == "__main__":
    main()
