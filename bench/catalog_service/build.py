"""The catalogue that is measured, built through the port as an ingest would: many puts at once, each durable."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.catalog.corpus import Corpus, load
from bench.catalog_service.tracks import draft, stand_in
from sonotype.catalog.embedded.catalog import EmbeddedCatalog
from sonotype.catalog.embedded.vectors import StoredVectors
from sonotype.catalog.index.index import GenerationIndex, Tuning

_TOGETHER = 512  # puts under way at once; the writer makes them durable in groups
_POLL_S = 1.0
FACTS = "built.json"


def build(corpus: Path, folder: Path, niceness: int) -> dict[str, Any]:
    """Fill a catalogue with the rows of a corpus and let its index settle; goes on where a former run was ended.

    The graph is made once all rows are there, as after an import: `EmbeddedCatalog` without it first, then with it.

    Args:
        corpus: a folder that `bench.catalog.corpus.prepare` filled.
        folder: of the catalogue.
        niceness: of the thread that makes the graph.

    Returns:
        Rows per second of either part.
    """
    facts = folder.with_name(FACTS)
    if facts.exists():
        return dict(json.loads(facts.read_text()))
    data = load(corpus)
    begin = time.perf_counter()
    put = asyncio.run(_fill(data, folder))
    put_s = time.perf_counter() - begin
    graph_s = asyncio.run(_settle(folder, Tuning(niceness=niceness)))
    found = {"rows": data.count, "put": put, "put_s": put_s, "rows_per_s": put / put_s, "graph_s": graph_s}
    facts.write_text(json.dumps(found))
    return found


async def _fill(data: Corpus, folder: Path) -> int:
    """Put the rows that are missing; how many these were."""
    card, generation = stand_in()
    embedding = card.embeddings[0]
    catalog = await EmbeddedCatalog.open(folder, full_at=1.0, open_index=_no_graph)
    try:
        await catalog.add_generation(f"{card.name}@{embedding.name}", generation, card.weights_sha256, embedding.dim)
        first = (await catalog.status()).tracks
        for begin in range(first, data.count, _TOGETHER):
            rows = range(begin, min(begin + _TOGETHER, data.count))
            vectors = np.array(data.vectors[rows.start : rows.stop])
            drafts = [draft(data, row, vector, generation) for row, vector in zip(rows, vectors, strict=True)]
            await asyncio.gather(*(catalog.put(one) for one in drafts))
            if begin % (100 * _TOGETHER) == 0:
                _say(f"{rows.stop} rows")
        return data.count - first
    finally:
        await catalog.aclose()


async def _settle(folder: Path, tuning: Tuning) -> float:
    """Open with an index and wait until it has its graph; the seconds that took."""
    begin, opened = time.perf_counter(), []

    def open_index(path: Path, dim: int, source: StoredVectors) -> GenerationIndex:
        opened.append(GenerationIndex.open(path, dim, source, tuning))
        return opened[-1]

    catalog = await EmbeddedCatalog.open(folder, full_at=1.0, open_index=open_index)
    try:
        while not await asyncio.to_thread(opened[0].settle, _POLL_S * 60):
            _say(f"graph: {opened[0].facts().rebuild or 1.0:.0%}")
    finally:
        await catalog.aclose()
    return time.perf_counter() - begin


class _NoIndex:
    """Stands where an index would while rows are stored."""

    degraded = "there is no index"

    def add(self, row: int, slot: int, vector: object) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def _no_graph(_folder: Path, _dim: int, _source: StoredVectors) -> Any:
    return _NoIndex()


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
