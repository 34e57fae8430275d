"""A filter over the columns: which slots may come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from sonotype.catalog.embedded.columns import Columns, Mask
from sonotype.catalog.embedded.facts import Key, Kind, Number, collection_key, single
from sonotype.catalog.keys import UNKNOWN, name_key
from sonotype.catalog.port import EVERYTHING, Keys, Range, TrackFilter

_FEW = 8  # so many comparisons are faster than a sorted search


def allowed(columns: Columns, where: TrackFilter) -> Mask | None:
    """Slots that pass a filter, shape [columns.size]; None where every track does."""
    if where == EVERYTHING:
        return None
    with columns.lock:
        mask = _carrying(columns, where)
        for key, wanted in _wanted(where):
            mask &= _is_one_of(columns.keys(key), wanted)
        for number, limits in _limits(where):
            mask &= _within(columns.numbers(number), limits)
        return mask


def carriers(columns: Columns, kind: Kind, name: str) -> BitMap:
    """A copy of the slots that carry a term."""
    with columns.lock:
        return columns.carriers((kind, name)).copy()


def as_mask(slots: BitMap, size: int) -> Mask:
    """A bitmap as booleans of shape [size]."""
    mask = np.zeros(size, bool)
    mask[np.frombuffer(slots.to_array(), np.uint32)] = True
    return mask


def _carrying(columns: Columns, where: TrackFilter) -> Mask:
    every = [columns.carriers((Kind.TAG, name)) for name in where.tags]
    every += [columns.carriers((Kind.LABEL, name)) for name in where.labels]
    if where.any_tags:
        every.append(BitMap.union(*(columns.carriers((Kind.TAG, name)) for name in where.any_tags), BitMap()))
    return as_mask(BitMap.intersection(*every), columns.size) if every else columns.alive()


def _wanted(where: TrackFilter) -> Iterable[tuple[Key, Sequence[int]]]:
    if where.collections:
        yield Key.COLLECTION, [collection_key(name) for name in where.collections]
    if where.artists:
        yield Key.ARTIST, [name_key(name) for name in where.artists]
    if where.albums:
        yield Key.ALBUM_TITLE, [name_key(name) for name in where.albums]


def _limits(where: TrackFilter) -> Iterable[tuple[Number, Range]]:
    every = ((Number.YEAR, where.year), (Number.DURATION_S, where.duration_s), (Number.TEMPO_BPM, where.tempo_bpm))
    return ((number, limits) for number, limits in every if limits is not None)


def _is_one_of(column: Keys, wanted: Sequence[int]) -> Mask:
    keys = np.array([key for key in wanted if key != UNKNOWN], np.uint64)
    if len(keys) > _FEW:
        return np.isin(column, keys)
    mask = np.zeros(len(column), bool)
    for key in keys:
        mask |= column == key
    return mask


def _within(column: NDArray[np.float32], limits: Range) -> Mask:
    """Compared as 32-bit floats on both sides, so that a stored value is within a range that ends at it."""
    low = np.float32(-np.inf if limits.low is None else single(limits.low))
    high = np.float32(np.inf if limits.high is None else single(limits.high))
    inside: Mask = (column >= low) & (column <= high)
    return inside
