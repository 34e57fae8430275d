"""The engine in this process, and the bare graphs in turn with it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.catalog.corpus import Corpus, K, recall
from bench.catalog_service import report
from bench.catalog_service.bare import Bare, contenders
from bench.catalog_service.tracks import number_of, where
from sonotype.catalog.embedded.catalog import EmbeddedCatalog
from sonotype.catalog.port import Catalog
from sonotype.catalog.ranking.fetch import first_fetch
from sonotype.catalog.ranking.values import Constraints

KINDS = ("none", "10 %", "10 % correlated", "1 %")
FETCHED = first_fetch(K, Constraints(), hubness="mutual_proximity")
_WARM = 30
Part = dict[str, Any]


def measure(corpus: Corpus, work: Path, queries: int, rounds: int, build_s: float) -> dict[str, Any]:
    """Latency and recall of the engine with each filter, for the answer alone and for what the service ranks."""
    bare = contenders(corpus, work, build_s)
    return asyncio.run(_measure(corpus, work, queries, rounds, bare))


async def _measure(corpus: Corpus, work: Path, queries: int, rounds: int, bare: list[Bare]) -> dict[str, Any]:
    begin = time.perf_counter()
    catalog = await EmbeddedCatalog.open(work / "data" / "catalog", full_at=1.0)
    try:
        await catalog.search(corpus.queries[0], K)
        found: dict[str, Any] = {"first_answer_s": round(time.perf_counter() - begin, 2)}
        found["search"] = await _unfiltered(catalog, corpus, bare, queries, rounds)
        for kind in KINDS[1:]:
            found["search"][f"engine, {kind}"] = await _alone(catalog, corpus, kind, K, queries)
        for kind in KINDS:
            found["search"][f"engine, {kind}, {FETCHED} candidates"] = await _alone(
                catalog, corpus, kind, FETCHED, queries
            )
        return found
    finally:
        await catalog.aclose()


async def _unfiltered(
    catalog: Catalog, corpus: Corpus, bare: list[Bare], queries: int, rounds: int
) -> dict[str, dict[str, float]]:
    """Engine and bare graphs take turns, so that what else the machine does hits all of them."""
    parts: dict[str, list[Part]] = {name: [] for name in ("engine, none", *(each.name for each in bare))}
    first = range(min(_WARM, queries))
    await _asked(catalog, corpus, "none", K, first)
    for each in bare:
        _walked(each, corpus, first)
    share = queries // rounds
    for number in range(rounds):
        part = range(number * share, (number + 1) * share)
        parts["engine, none"].append(await _asked(catalog, corpus, "none", K, part))
        for each in bare:
            parts[each.name].append(_walked(each, corpus, part))
    rows = {name: _row(each) for name, each in parts.items()}
    for each in bare:
        rows[each.name]["rows"] = each.rows
    return rows


async def _alone(catalog: Catalog, corpus: Corpus, kind: str, count: int, queries: int) -> dict[str, float]:
    await _asked(catalog, corpus, kind, count, range(min(_WARM, queries)))
    return _row([await _asked(catalog, corpus, kind, count, range(queries))])


async def _asked(catalog: Catalog, corpus: Corpus, kind: str, count: int, numbers: range) -> Part:
    """Some queries, one by one."""
    times, rows, cpu_s = [], np.full((len(numbers), K), -1, np.int64), time.process_time()
    for row, number in zip(rows, numbers, strict=True):
        query, filtered = corpus.queries[number], where(corpus, kind, number)
        begin = time.perf_counter()
        found = await catalog.search(query, count, where=filtered)
        times.append(time.perf_counter() - begin)
        ids = found.candidates.ids[:K]
        row[: len(ids)] = [number_of(one) for one in ids]
    cpu_s = time.process_time() - cpu_s
    return {"seconds": times, "cpu_s": cpu_s, "recall": _recall(corpus, kind, numbers, rows)}


def _walked(bare: Bare, corpus: Corpus, numbers: range) -> Part:
    """The same by a graph alone."""
    times, rows, cpu_s = [], np.full((len(numbers), K), -1, np.int64), time.process_time()
    for row, number in zip(rows, numbers, strict=True):
        begin = time.perf_counter()
        found = bare.nearest(corpus.queries[number])
        times.append(time.perf_counter() - begin)
        row[: len(found)] = found
    cpu_s = time.process_time() - cpu_s
    return {"seconds": times, "cpu_s": cpu_s, "recall": _recall(corpus, "none", numbers, rows, bare.rows)}


def _recall(corpus: Corpus, kind: str, numbers: range, rows: np.ndarray, held: int | None = None) -> float:
    """Share of the exact answers, as far as the first `held` rows hold them."""
    truth = corpus.answers(kind, numbers.start, numbers.stop, corpus.count)
    return recall(rows, truth if held is None else np.where(truth < held, truth, -1))


def _row(parts: list[Part]) -> report.Row:
    seconds = [second for part in parts for second in part["seconds"]]
    return report.row(seconds, float(np.mean([part["recall"] for part in parts])), sum(part["cpu_s"] for part in parts))
