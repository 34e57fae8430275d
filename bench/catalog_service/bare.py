"""The yardsticks: the graphs of faiss and usearch over the same vectors, with nothing around them."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.catalog.corpus import Corpus, K
from bench.catalog.engines.port import Floats, Numbers
from sonotype.catalog.index.segment import use_threads
from sonotype.catalog.index.shelf import Shelf
from sonotype.catalog.index.values import Tuning

WIDTH = Tuning().search_width
_USEARCH = "bare.usearch"
_BLOCK = 10_000


@dataclass(frozen=True, slots=True)
class Bare:
    """A graph alone.

    Attributes:
        name: of the library.
        rows: that it holds, the first ones of the corpus.
        nearest: row numbers of the `K` nearest to a query [D], best first.
    """

    name: str
    rows: int
    nearest: Callable[[Floats], Numbers]


def contenders(corpus: Corpus, work: Path, build_s: float) -> list[Bare]:
    """Those that are installed; usearch may spend so many seconds on building its graph, and goes on the next time."""
    found = [_faiss(work, corpus)]
    if importlib.util.find_spec("usearch") is not None:
        found.append(_usearch(corpus, work, build_s))
    return found


def _faiss(work: Path, corpus: Corpus) -> Bare:
    """The very graph that the catalogue searches, from its snapshot."""
    folder = next((work / "data" / "catalog" / "index").iterdir())
    snapshot = Shelf(folder).newest(corpus.vectors.shape[1])
    if snapshot is None:
        raise RuntimeError(f"no snapshot in {folder}")
    use_threads(1)
    slots, segment = snapshot.slots, snapshot.segment
    # slots count from 1 in the order of the rows
    return Bare("bare faiss", len(segment), lambda query: slots[segment.near_many(query[None], K, WIDTH)[0][0]] - 1)


def _usearch(corpus: Corpus, work: Path, build_s: float) -> Bare:
    from usearch.index import Index  # noqa: PLC0415 - an optional contender

    path, links, end = work / _USEARCH, Tuning().links, time.monotonic() + build_s
    index = Index(ndim=corpus.vectors.shape[1], metric="ip", dtype="f32", connectivity=links, expansion_add=WIDTH)
    if path.exists():
        index.load(str(path))
    held = len(index)
    while len(index) < corpus.count and time.monotonic() < end:
        rows = np.arange(len(index), min(len(index) + _BLOCK, corpus.count))
        index.add(rows, np.array(corpus.vectors[rows]))
    if len(index) > held:
        index.save(str(path))
    index.expansion_search = WIDTH
    return Bare(
        "bare usearch", len(index), lambda query: np.asarray(index.search(query, K, threads=1).keys.astype(np.int64))
    )
