"""How fast prototype generation is: beside the published algorithm done plainly, and on large corpora.

    python -m bench.prototype_generation.speed --mulan FOLDER [--rates 0.1 …] [--out FILE.json]

CPU seconds of one thread. Every large corpus has a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from bench.prototype_generation.mulan import Corpus, load
from sonotype.models.multilabel import PrototypeSet
from sonotype.models.multilabel.methods import Method

sys.path.append(str(Path(__file__).parents[2] / "tests" / "models"))

RATES = (0.1, 0.3, 0.5, 0.7, 0.9)
LARGE: tuple[tuple[str, Method, tuple[float, ...]], ...] = (
    ("bibtex", "mchen", RATES),
    ("bibtex", "mrsp1", RATES),
    ("bibtex", "mrhc", ()),
    ("bibtex", "entropy", (0.05,)),
    ("100000 x 200", "mchen", (0.01, 0.05, 0.1)),
    ("100000 x 200", "entropy", (0.01, 0.05, 0.1)),
)
Row = dict[str, Any]


def against_plain(corpus: Corpus, rates: tuple[float, ...]) -> Row:
    """Ours, all five budgets of MChen and MRSP1 in one run, and the plain one, a run for each method and rate.

    Ours runs before, between and after; its median counts. Raises `ValueError` where the prototypes differ.
    """
    our_s, plain = [_timed(lambda: ours(corpus))[0]], []
    for rate in rates:
        for method in ("mchen", "mrsp1"):
            taken, rows = _timed(lambda method=method, rate=rate: plainly(corpus, method, rate))
            spent, sets = _timed(lambda: ours(corpus))
            our_s.append(spent)
            if not np.allclose(sets[method, rate], rows):
                raise ValueError(f"{method} at {rate}: other prototypes than the plain implementation")
            plain.append({"method": method, "rate": rate, "cpu_s": round(taken, 2)})
    mine, theirs = float(np.median(our_s)), sum(row["cpu_s"] for row in plain)
    shape = {"corpus": corpus.name, "n": len(corpus.x), "d": corpus.x.shape[1]}
    return {**shape, "ours_cpu_s": round(mine, 3), "plain": plain, "ratio": round(theirs / mine, 1)}


def ours(corpus: Corpus) -> dict[tuple[str, float], NDArray[np.float64]]:
    """Ten sets as published, from one tree: positions and labels, sorted."""
    mchen = PrototypeSet.fit(corpus.x, corpus.y, method="mchen", budget=RATES[-1], compat=True)
    mrsp1 = mchen.reform(labels="majority", position="median", per_labelset=True)
    cuts = {(name, rate): of.at(rate) for rate in RATES for name, of in (("mchen", mchen), ("mrsp1", mrsp1))}
    return {key: _sorted(np.hstack([cut.x, cut.y])) for key, cut in cuts.items()}


def plainly(corpus: Corpus, method: str, rate: float) -> NDArray[np.float64]:
    """One set by the oracle of the tests: positions and labels, sorted."""
    import multilabel_slow as slow  # noqa: PLC0415 - of the tests

    parts = slow.mchen(corpus.x, corpus.y, int(rate * len(corpus.x)))
    if method == "mchen":
        return _sorted([slow.majority(part, corpus.x, corpus.y) for part in parts])
    return _sorted([row for part in parts for row in slow.per_labelset(part, corpus.x, corpus.y)])


def large(folder: Path, name: str, method: Method, budgets: tuple[float, ...]) -> Row:
    """Fit once and cut to every budget, in this process."""
    x, y = _bibtex(folder) if name == "bibtex" else clusters()
    before = _peak_mb()
    wall, cpu = time.perf_counter(), time.process_time()
    found = PrototypeSet.fit(x, y, method=method, budget=budgets[-1] if budgets else None)
    sizes = [len(found.at(budget)) for budget in budgets] or [len(found)]
    spent = {"cpu_s": round(time.process_time() - cpu, 1), "wall_s": round(time.perf_counter() - wall, 1)}
    memory = {"peak_mb": _peak_mb(), "with_corpus_mb": before}
    return {"corpus": name, "method": method, "budgets": budgets, "prototypes": sizes, **spent, **memory}


def clusters(n: int = 100_000, d: int = 200, labels: int = 50, groups: int = 300) -> tuple[Any, Any]:
    """Points around centres that share their labels, one in a hundred of which is wrong."""
    rng = np.random.default_rng(0)
    centres, group = rng.normal(size=(groups, d)), rng.integers(groups, size=n)
    y = (rng.random((groups, labels)) < 0.08)[group] ^ (rng.random((n, labels)) < 0.01)
    return centres[group] + rng.normal(size=(n, d)), y


def _bibtex(folder: Path) -> tuple[Any, Any]:
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - of an extra

    from bench.prototype_generation.mulan import read  # noqa: PLC0415 - beside its only use

    x, y = read(folder, "bibtex", "train")
    return csr_matrix(x), y


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    done = work()
    return time.process_time() - start, done


def _sorted(rows: Any) -> NDArray[np.float64]:
    table = np.asarray(rows, dtype=np.float64)
    return table[np.lexsort(table.round(6).T)]


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mulan", type=Path, required=True, help="folder of corpora: yeast and bibtex")
    parser.add_argument("--rates", type=float, nargs="*", default=RATES, help="of the plain one, 7 minutes for all")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes for large corpora
    results: Row = {"large": []}
    for name, method, budgets in LARGE:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            results["large"].append(alone.submit(large, options.mulan, name, method, budgets).result())
        Console(width=120).print(results["large"][-1])
    results["against_plain"] = against_plain(load(options.mulan, "yeast"), tuple(options.rates))
    Console(width=120).print(results["against_plain"])
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
