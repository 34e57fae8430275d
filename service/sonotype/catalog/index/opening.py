"""Bringing the index up: a snapshot and what happened since, or everything from the truth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import structlog

from sonotype.catalog.index.cells import Cells
from sonotype.catalog.index.contents import Contents
from sonotype.catalog.index.positions import Positions
from sonotype.catalog.index.segment import Segment
from sonotype.catalog.index.shelf import Shelf
from sonotype.catalog.index.snapshot import Snapshot
from sonotype.catalog.index.strays import Strays
from sonotype.catalog.index.tail import Tail
from sonotype.catalog.index.values import Block, Integers, Tuning, VectorSource

log = structlog.get_logger(__name__)

_COMPARED = 64  # newest common rows whose vectors must be the same in snapshot and truth
_MISSING_SHARE = 0.2  # of the tracks that a snapshot may lack before building the graph anew is quicker
_SAMPLE_AT_ONCE = 20_000  # vectors whose cosines to the sample are worth waiting for


def contents(shelf: Shelf, dim: int, source: VectorSource, tuning: Tuning) -> Contents:
    """What the index holds at its start; the segment has no graph where one must be built."""
    live = source.rows()
    snapshot = shelf.newest(dim)
    if snapshot is not None and _is_of(snapshot, live, source):
        caught_up = _catch_up(snapshot, live, source, tuning)
        if caught_up is not None:
            return caught_up
    elif snapshot is not None:
        shelf.reject("it holds other vectors than the store under the same rows")
    return _load(dim, len(live), source, tuning)


def _is_of(snapshot: Snapshot, live: Integers, source: VectorSource) -> bool:
    """Whether snapshot and truth share a history: a database restored from a copy gives rows out a second time."""
    common = np.flatnonzero(np.isin(snapshot.rows, live))[-_COMPARED:]
    if not len(common):
        return True
    rows, slots, vectors = next(iter(source.after(int(snapshot.rows[common[0]]) - 1)), _nothing(snapshot.segment.dim))
    common = common[np.isin(snapshot.rows[common], rows)]
    there = np.searchsorted(rows, snapshot.rows[common])
    same = np.array_equal(slots[there], snapshot.slots[common])
    return same and np.allclose(vectors[there], snapshot.segment.vectors(common), atol=1e-5)


def _catch_up(snapshot: Snapshot, live: Integers, source: VectorSource, tuning: Tuning) -> Contents | None:
    """The snapshot without the rows removed since, and the rows added since as its tail; None if these are too many."""
    missing = np.setdiff1d(live, snapshot.rows, assume_unique=True)
    last = int(snapshot.rows[-1]) if len(snapshot.rows) else -1
    if len(missing) > max(tuning.degraded_at, _MISSING_SHARE * len(live)) or (len(missing) and missing[0] < last):
        log.warning("the newest snapshot of the index lacks too many tracks", missing=len(missing))
        return None
    alive = np.isin(snapshot.rows, live, assume_unique=True)
    positions = Positions.of(snapshot.rows, snapshot.slots, alive, snapshot.mean, snapshot.std)
    segment = snapshot.segment
    held = Contents(
        segment=segment,
        tail=Tail(segment.dim, len(segment)),
        positions=positions,
        sample=snapshot.sample,
        chosen_at=snapshot.chosen_at,
        strays=Strays.of(segment, np.flatnonzero(snapshot.stray)),
        cells=snapshot.cells,
    )
    for block in source.after(last):
        held.extend(block)
    return held


def _load(dim: int, count: int, source: VectorSource, tuning: Tuning) -> Contents:
    """All vectors from the truth: into the tail where they are few, else into a segment without a graph."""
    few = count < tuning.graph_from
    segment, positions = Segment.linked(dim, tuning) if few else Segment.bare(dim), Positions()
    if not few:
        positions = _fill(segment, source.after(-1))
    held = Contents(
        segment=segment,
        tail=Tail(dim, len(segment)),
        positions=positions,
        sample=np.empty((0, dim), np.float32),
        chosen_at=0,
        strays=Strays.of(segment, np.empty(0, np.int64)),
        cells=Cells.none(dim),
    )
    if few:
        for block in source.after(-1):
            held.extend(block)
    if held.positions.now.total <= _SAMPLE_AT_ONCE:
        held.resample()
    return held


def _fill(segment: Segment, blocks: Iterator[Block]) -> Positions:
    rows, slots = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for block in blocks:
        rows.append(block[0])
        slots.append(block[1])
        segment.add(block[2])
    all_rows, all_slots = np.concatenate(rows), np.concatenate(slots)
    alive = np.zeros(len(all_slots), np.bool_)  # a track replaced while we read comes twice: the later one counts
    alive[len(alive) - 1 - np.unique(all_slots[::-1], return_index=True)[1]] = True
    nothing = np.zeros(len(all_rows), np.float32)
    return Positions.of(all_rows, all_slots, alive, nothing, nothing)


def _nothing(dim: int) -> Block:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, dim), np.float32)
