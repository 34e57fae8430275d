"""Compat mode against the golden figures of the published algorithms, where their corpora are at hand.

Set SONOTYPE_MULAN to a folder of corpora in Mulan's format with `golden_metrics.csv`. MRHC runs apart, with OpenBLAS'
kernels for AVX2: where bag-of-words samples lie equally far from two centres, the rounding of the matrix product
inside of k-means decides, and the figures were taken with that rounding.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bench.prototype_generation.measures import decisions
from bench.prototype_generation.mulan import Corpus, load

from sonotype.models.multilabel import MultiLabelKNN, PrototypeSet

FOLDER = Path(os.environ.get("SONOTYPE_MULAN", "/nowhere"))
CORPORA = ("emotions", "birds", "genbase", "medical", "scene", "yeast")
RATES = (10, 30, 50, 70, 90)
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="SONOTYPE_MULAN names no folder of corpora")
corpus = cache(lambda name: load(FOLDER, name))


@cache
def golden() -> dict[tuple[str, str, int], list[dict[str, str]]]:
    found: dict[tuple[str, str, int], list[dict[str, str]]] = {}
    with (FOLDER / "golden_metrics.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["noise_pct"] == "0":
                found.setdefault((row["corpus"], row["method"], int(row["rate_pct"])), []).append(row)
    return found


def sets(of: Corpus, method: str) -> Iterator[tuple[int, Any, Any]]:
    """Rate, positions and labels of every set that a method makes."""
    if method == "ALL":
        yield 1, of.x, of.y
    elif method in {"MRHC", "MRSP3"}:
        ended = fit(of, method)
        yield 1, ended.x, ended.y
    else:
        largest = fit(of, method, budget=RATES[-1] / 100)
        for rate in RATES:
            cut = largest.at(rate / 100)
            yield rate, cut.x, cut.y


def fit(of: Corpus, method: str, budget: float | None = None) -> PrototypeSet:
    return PrototypeSet.fit(of.x, of.y, method=method.lower(), budget=budget, compat=True)  # type: ignore[arg-type]


def compare(name: str, method: str) -> None:
    of = corpus(name)
    for rate, x, y in sets(of, method):
        rows = golden()[name, method, rate]
        assert {int(row["n_prototypes"]) for row in rows} == {len(y)}, (name, method, rate)
        for row in rows:
            knn = MultiLabelKNN(x, y, kind=row["classifier"].lower(), k=int(row["k"]), include_self=True)
            measured = decisions(of.test_y, knn.predict(of.test_x))
            printed = {name: float(row[name]) for name in measured}
            assert measured == pytest.approx(printed, abs=6e-6), (name, method, rate, row["classifier"], row["k"])


@pytest.mark.parametrize("name", CORPORA)
@pytest.mark.parametrize("method", ["ALL", "MChen", "MRSP1", "MRSP2", "MRSP3"])
def test_sizes_and_metrics_are_the_published_ones(name: str, method: str) -> None:
    compare(name, method)


def test_mrhc_has_the_published_sizes_and_metrics() -> None:
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "OPENBLAS_CORETYPE": "Haswell", "PYTHONPATH": root}
    subprocess.run([sys.executable, __file__], env=environment, check=True, timeout=600)


if __name__ == "__main__":
    for each in CORPORA:
        compare(each, "MRHC")
