"""Searching: the filter from the columns, the neighbours from the index, what ranking needs from both."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonotype.catalog.embedded import tracks
from sonotype.catalog.embedded.columns import Columns, Mask, Slots
from sonotype.catalog.embedded.facts import Kind
from sonotype.catalog.embedded.filters import allowed, as_mask, carriers
from sonotype.catalog.embedded.generations import Generations, OpenGeneration
from sonotype.catalog.port import Candidates, Found, TrackFilter
from sonotype.catalog.vectors import unit
from sonotype.core.types import Floats

_FEW = 256  # exclusions up to which it is cheaper to search further than to build a filter
_SEED = 20_240_229
_SAME = 1e-5  # cosines closer than this are one distance: equal recordings must not count as missed


@dataclass(frozen=True, slots=True)
class Query:
    """The arguments of `port.Catalog.search`."""

    vector: Floats
    count: int
    where: TrackFilter
    exclude: Sequence[str]
    generation: str | None
    exact: bool


class Search:
    """The searching half of the catalogue. Every method may be called from many threads at once.

    Args:
        columns: facts of all tracks.
        generations: with their indexes.
    """

    def __init__(self, columns: Columns, generations: Generations) -> None:
        self._columns, self._generations = columns, generations

    def search(self, db: sqlite3.Connection, query: Query) -> Found:
        """As `port.Catalog.search`."""
        one = self._generations.find(query.generation)
        vector = unit(query.vector, one.row.dim)
        unwanted = np.fromiter(tracks.slots_of(db, query.exclude).values(), np.int64)
        mask = self._allowed(query.where, unwanted)
        further = len(unwanted) if mask is None else 0
        degraded = one.index.degraded is not None
        hits = one.index.search(vector, query.count + further, mask, query.exact)
        kept = np.flatnonzero(~np.isin(hits.slots, unwanted))[: query.count]
        candidates = self._candidates(one, hits.slots[kept], hits.similarity[kept])
        return Found(candidates, one.row.name, hits.exact, degraded, one.index.sample)

    def carriers(self, kind: Kind, name: str, limit: int) -> Floats:
        """As `port.Catalog.carriers`: the same choice, evenly spread over the catalogue, as long as nothing changes."""
        one = self._generations.find(None)
        slots = np.frombuffer((carriers(self._columns, kind, name) & one.holding()).to_array(), np.uint32)
        if len(slots) > limit:
            slots = slots[np.linspace(0, len(slots) - 1, limit).astype(np.int64)]
        vectors, there = one.index.vectors_of(slots.astype(np.int64))
        return vectors[there]

    def centre(self) -> Floats:
        """As `port.Catalog.centre`."""
        one = self._generations.find(None)
        sample = one.index.sample
        return sample.mean(axis=0) if len(sample) else np.zeros(one.row.dim, np.float32)

    def recall(self, generation: str, sample: int, count: int) -> float:
        """As `port.Catalog.recall`; a neighbour as near as the last of the exact ones is as good as it."""
        one = self._generations.find(generation)
        slots = np.frombuffer(one.holding().to_array(), np.uint32).astype(np.int64)
        chosen = np.random.default_rng(_SEED).permutation(slots)[:sample]
        vectors, there = one.index.vectors_of(chosen)
        shares = [_share_found(one, vector, count + 1) for vector in vectors[there]]
        return float(np.mean(shares)) if shares else 1.0

    def matching(self, where: TrackFilter, after: int, limit: int) -> list[int]:
        """The next slots above one that pass a filter."""
        mask = allowed(self._columns, where)
        return _next(self._columns.alive() if mask is None else mask, after, limit)

    def stale(self, generation: str, after: int, limit: int) -> list[int]:
        """The next slots above one without a vector in a generation."""
        held = self._generations.find(generation).holding()
        alive = self._columns.alive()
        return _next(alive & ~as_mask(held, max(len(alive), held.max() + 1 if held else 0))[: len(alive)], after, limit)

    def _allowed(self, where: TrackFilter, unwanted: Slots) -> Mask | None:
        """Slots that may come; None where all may, or where it is cheaper to drop some afterwards."""
        mask = allowed(self._columns, where)
        if mask is None and len(unwanted) <= _FEW:
            return mask
        mask = self._columns.alive() if mask is None else mask
        mask[unwanted[unwanted < len(mask)]] = False
        return mask

    def _candidates(self, one: OpenGeneration, slots: Slots, similarity: Floats) -> Candidates:
        rows = self._columns.rows(slots)
        vectors, there = one.index.vectors_of(slots[rows.alive])
        mean, std = one.index.statistics_of(slots[rows.alive])
        ids = tuple(id_ for id_, is_there in zip(rows.ids, there.tolist(), strict=True) if is_there)
        return Candidates(
            ids=ids,
            similarity=similarity[rows.alive][there],
            vectors=vectors[there],
            artist=rows.artist[there],
            album=rows.album[there],
            recording=rows.recording[there],
            neighbour_mean=mean[there],
            neighbour_std=std[there],
        )


def _next(mask: Mask, after: int, limit: int) -> list[int]:
    start = min(max(after + 1, 0), len(mask))
    slots: list[int] = (np.flatnonzero(mask[start:])[:limit] + start).tolist()
    return slots


def _share_found(one: OpenGeneration, vector: Floats, count: int) -> float:
    """Share of the `count` nearest neighbours, itself left out, that the index finds."""
    nearest = one.index.search(vector, count, None, True).similarity[1:]
    found = one.index.search(vector, count, None, False).similarity[1:]
    if not len(nearest):
        return 1.0
    return float(np.count_nonzero(found >= nearest[-1] - _SAME)) / len(nearest)
