"""The yardsticks: the graphs of faiss and usearch over the same vectors, with nothing around them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.catalog.corpus import Corpus, K
from bench.catalog.engines.port import Floats, Numbers
from sonotype.catalog.index.segment import use_threads
from sonotype.catalog.index.shelf import Shelf
from sonotype.catalog.index.values import Tuning

Nearest = Callable[[Floats], Numbers]
"""Row numbers of the `K` nearest, best first."""

WIDTH = Tuning().search_width
_USEARCH = "bare.usearch"
_BLOCK = 10_000


def contenders(corpus: Corpus, work: Path) -> dict[str, Nearest]:
    """Those that are installed; usearch builds its graph at the first time."""
    found = {"bare faiss": _faiss(work, corpus.vectors.shape[1])}
    if importlib.util.find_spec("usearch") is not None:
        found["bare usearch"] = _usearch(corpus, work)
    return found


def _faiss(work: Path, dim: int) -> Nearest:
    """The very graph that the catalogue searches, from its snapshot."""
    folder = next((work / "data" / "catalog" / "index").iterdir())
    snapshot = Shelf(folder).newest(dim)
    if snapshot is None:
        raise RuntimeError(f"no snapshot in {folder}")
    use_threads(1)
    # slots count from 1 in the order of the rows
    return lambda query: snapshot.slots[snapshot.segment.near_many(query[None], K, WIDTH)[0][0]] - 1


def _usearch(corpus: Corpus, work: Path) -> Nearest:
    from usearch.index import Index  # noqa: PLC0415 - an optional contender

    path, links = work / _USEARCH, Tuning().links
    index = Index(ndim=corpus.vectors.shape[1], metric="ip", dtype="f32", connectivity=links, expansion_add=WIDTH)
    if path.exists():
        index.load(str(path))
    for begin in range(len(index), corpus.count, _BLOCK):  # `load` may have brought what an ended run had built
        rows = np.arange(begin, min(begin + _BLOCK, corpus.count))
        index.add(rows, np.array(corpus.vectors[rows]))
        if begin + _BLOCK >= corpus.count:
            index.save(str(path))
    index.expansion_search = WIDTH
    return lambda query: np.asarray(index.search(query, K, threads=1).keys.astype(np.int64))
