"""Prototype generation for multilabel kNN: size, accuracy and speed on published corpora and on music.

    python -m bench prototype_generation --mulan FOLDER [--tags TAGS.npz …] [--out FILE.json] [--picture FILE.svg]

FOLDER holds corpora in Mulan's format, TAGS.npz what `python -m bench.prototype_generation.music` makes. Features are
scaled to 0 … 1 by training; genbase without the names of its proteins.
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

from bench.prototype_generation import contenders
from bench.prototype_generation.contenders import Row
from bench.prototype_generation.mulan import Corpus, load
from bench.prototype_generation.noise import swapped
from bench.prototype_generation.picture import draw

CORPORA = ("emotions", "birds", "scene", "yeast", "genbase", "medical")
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
CURVES = ("random subset", "k-means soft", "MChen soft", "entropy")
NOISY = ("all points", "random subset", "k-means soft", "MChen", "MChen soft", "MRHC (no budget)", "entropy")
LARGEST = 900  # prototypes, where k-means begins to take minutes
NOISE = (0.0, 0.2, 0.4)


def tags(path: Path, threshold: float = 0.1) -> Corpus:
    """Tag data of whole tracks apart: every fourth track is test, labels that are too rare are left out."""
    with np.load(path) as arrays:
        x, track = arrays["x"].astype(np.float64), arrays["track"]
        y = arrays["tags"] > threshold
    is_test = np.isin(track, np.unique(track)[::4])
    often = (y[~is_test].sum(axis=0) >= 20) & (y[is_test].sum(axis=0) >= 5)
    return Corpus(path.stem, x[~is_test], y[~is_test][:, often], x[is_test], y[is_test][:, often])


def table(corpus: Corpus, share: float) -> list[Row]:
    """All contenders with all classifiers."""
    rows = [row for name, make in contenders.field(share).items() for row in contenders.measure(corpus, name, make)]
    return [*rows, *(contenders.faiss_on_all(corpus, graph=graph) for graph in (False, True))]


def curve(corpus: Corpus) -> list[Row]:
    """How mean average precision grows with the budget."""
    return [
        {"share": share, **{key: row[key] for key in ("name", "prototypes", "map")}}
        for share in SHARES
        if 3 <= share * len(corpus.x) <= LARGEST
        for name in CURVES
        for row in contenders.measure(corpus, name, contenders.field(share)[name], ("near",))
    ]


def noise(corpus: Corpus, share: float, seeds: tuple[int, ...] = (0, 1)) -> Iterator[Row]:
    """What label noise in training costs; means over draws of it."""
    for level in NOISE:
        for name in NOISY:
            found = [_noisy(corpus, name, level, share, seed) for seed in (seeds if level else seeds[:1])]
            means = {key: float(np.mean([row[key] for row in found])) for key in ("size_pct", "map", "f1_macro")}
            yield {"name": name, "noise": level, **means}


def _noisy(corpus: Corpus, name: str, level: float, share: float, seed: int) -> Row:
    dirty = Corpus(corpus.name, corpus.x, swapped(corpus.y, level, seed), corpus.test_x, corpus.test_y)
    return contenders.measure(dirty, name, contenders.field(share)[name], ("near",))[0]


def rounded(figures: Any) -> Any:
    """Four digits after the point, as many as any table shows."""
    if isinstance(figures, dict):
        return {key: rounded(value) for key, value in figures.items()}
    if isinstance(figures, (list, tuple)):
        return [rounded(value) for value in figures]
    return round(figures, 4) if isinstance(figures, float) else figures


def written(results: dict[str, Any]) -> str:
    """JSON, one row of figures a line."""

    def field(value: Any) -> str:
        lines = ",\n   ".join(map(json.dumps, value)) if isinstance(value, list) else ""
        return f"[\n   {lines}\n  ]" if lines else json.dumps(value)

    corpora = (
        f' "{name}": {{\n' + ",\n".join(f'  "{key}": {field(value)}' for key, value in found.items()) + "\n }"
        for name, found in results.items()
    )
    return "{\n" + ",\n".join(corpora) + "\n}\n"


def show(corpus: str, rows: list[Row]) -> None:
    columns = ("size %", "k", "HL", "F1 macro", "F1 micro", "mAP", "build s", "µs/query")
    grid = Table("method", "kNN", *columns, title=corpus)
    for row in rows:
        figures = [f"{row[key]:.3f}" for key in ("hamming_loss", "f1_macro", "f1_micro", "map", "build_s")]
        grid.add_row(
            row["name"], row["kind"], f"{row['size_pct']:.1f}", str(row["k"]), *figures, f"{row['query_us']:.0f}"
        )
    Console(width=120).print(grid)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mulan", type=Path, help="folder of corpora")
    parser.add_argument("--tags", type=Path, nargs="*", default=[], help="tag data")
    parser.add_argument("--share", type=float, default=0.05, help="the budget of the tables")
    parser.add_argument("--out", type=Path, help="add the figures to this JSON file")
    parser.add_argument("--picture", type=Path, help="draw mAP against size as SVG")
    options = parser.parse_args()
    published = CORPORA if options.mulan else ()
    corpora = [*(load(options.mulan, name).scaled() for name in published), *map(tags, options.tags)]
    if not corpora:
        parser.error("neither --mulan nor --tags: there is nothing to measure")
    results: dict[str, Any] = json.loads(options.out.read_text()) if options.out and options.out.exists() else {}
    for corpus in corpora:
        shape = {"train": len(corpus.x), "test": len(corpus.test_x), "d": corpus.x.shape[1], "L": corpus.y.shape[1]}
        marks = {votes: contenders.best_of_all_points(corpus, votes) for votes in ("equal", "near")}
        results[corpus.name] = {**shape, "best_of_all": marks, "rows": table(corpus, options.share)}
        results[corpus.name]["curve"] = curve(corpus)
        if len(corpus.x) < 2000:
            results[corpus.name]["noise"] = list(noise(corpus, options.share))
        show(corpus.name, results[corpus.name]["rows"])
        if options.out:
            options.out.write_text(written(rounded(results)))
    if options.picture:
        options.picture.write_text(draw(results))


if __name__ == "__main__":
    main()
