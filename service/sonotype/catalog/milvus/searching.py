"""Searches in one generation."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from sonotype.catalog.milvus.client import Client
from sonotype.catalog.milvus.facts import DRAWS
from sonotype.catalog.milvus.filters import carries, expression
from sonotype.catalog.milvus.generations import Known
from sonotype.catalog.milvus.samples import Sample, Samples
from sonotype.catalog.milvus.scan import blocks, drawn
from sonotype.catalog.port import Candidates, Found, TrackFilter
from sonotype.core.types import Floats

_FIELDS = ("vector", "artist", "album", "content", "mbid", "isrc")
_MOST = 16_384
"""What Milvus gives in one answer."""
Row = dict[str, Any]


class Searching:
    """What reads vectors.

    Args:
        client: of the engine.
        samples: of the generations.
    """

    def __init__(self, client: Client, samples: Samples) -> None:
        self._client = client
        self._samples = samples

    async def search(
        self,
        generation: Known,
        vector: Floats,
        count: int,
        where: TrackFilter,
        *,
        exclude: Sequence[str],
        exact: bool,
    ) -> Found:
        """See `port.Catalog.search`; `vector` is of unit length."""
        unwanted = set(exclude)
        search = self._compare_all if exact else self._ask_index
        rows, sample = await asyncio.gather(
            search(generation, vector[None], count + len(unwanted), expression(where)), self._samples.of(generation)
        )
        left = [row for row in rows[0] if row["id"] not in unwanted]
        found = _candidates(left, vector, count, sample)
        return Found(found, generation.name, exact=exact, degraded=False, sample=sample.vectors)

    async def recall(self, generation: Known, sample: int, count: int) -> float:
        """See `port.Catalog.recall`. The track itself is not counted among its neighbours."""
        start = secrets.randbelow(DRAWS)
        rows = await drawn(self._client, generation.collection, "", ["vector"], count=sample, start=start)
        if not rows:
            return 1.0
        queries = _matrix(rows, generation.dim)
        found, truth = await asyncio.gather(
            self._ask_index(generation, queries, count + 1, ""), self._compare_all(generation, queries, count + 1, "")
        )
        shares = [
            _share(_ids(near, row["id"]), _ids(best, row["id"]))
            for row, near, best in zip(rows, found, truth, strict=True)
        ]
        return float(np.mean(shares))

    async def carriers(self, generation: Known, field: str, name: str, limit: int) -> Floats:
        """Unit vectors [n, D] of those whose array holds a name, a fixed choice."""
        rows = await drawn(self._client, generation.collection, carries(field, name), ["vector"], count=limit)
        return _matrix(rows, generation.dim)

    async def vectors(self, generation: Known, track_ids: Sequence[str]) -> dict[str, Floats]:
        """Unit vectors [D] by id."""
        rows = await self._client.fetch(generation.collection, track_ids, ["vector"])
        return {id_: np.asarray(row["vector"], np.float32) for id_, row in rows.items()}

    async def _ask_index(self, generation: Known, vectors: Floats, count: int, where: str) -> list[list[Row]]:
        limit = min(count, _MOST)
        return await self._client.search(generation.collection, vectors.tolist(), where, _FIELDS, limit)

    async def _compare_all(self, generation: Known, vectors: Floats, count: int, where: str) -> list[list[Row]]:
        """All vectors come over the wire: the one way that is exact whatever index the engine has built."""
        best: list[list[Row]] = [[] for _ in vectors]
        async for rows in blocks(self._client, generation.collection, where, _FIELDS):
            cosines = vectors @ _matrix(rows, generation.dim).T
            for number, row in enumerate(cosines):
                best[number] = _merged(best[number], rows, row, count)
        return best


def _merged(best: list[Row], rows: Sequence[Row], cosines: Floats, count: int) -> list[Row]:
    """The `count` most similar of those before and those that came."""
    chosen = np.argsort(-cosines, kind="stable")[:count]
    both = best + [{**rows[at], "cosine": float(cosines[at])} for at in chosen]
    return sorted(both, key=lambda row: -row["cosine"])[:count]


def _candidates(rows: Sequence[Row], vector: Floats, count: int, sample: Sample) -> Candidates:
    vectors = _matrix(rows, len(vector))
    similarity = vectors @ vector
    order = np.argsort(-similarity, kind="stable")[:count]
    rows, vectors = [rows[at] for at in order], vectors[order]
    mean, std = sample.statistics(vectors)
    keys = np.array([[row[name] for name in _FIELDS[1:]] for row in rows], np.int64).reshape(-1, 5).view(np.uint64)
    return Candidates(
        ids=tuple(str(row["id"]) for row in rows), similarity=similarity[order], vectors=vectors,
        artist=keys[:, 0], album=keys[:, 1], recording=keys[:, 2:],
        neighbour_mean=mean, neighbour_std=std,
    )  # fmt: skip


def _matrix(rows: Sequence[Row], dim: int) -> Floats:
    return np.array([row["vector"] for row in rows], np.float32).reshape(-1, dim)


def _ids(rows: Sequence[Row], but: str) -> list[str]:
    return [row["id"] for row in rows if row["id"] != but]


def _share(found: Collection[str], truth: Collection[str]) -> float:
    return len(set(found) & set(truth)) / len(truth) if truth else 1.0
