"""What goes into the index and what comes out of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sonotype.core.types import Floats

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Block = tuple[Integers, Integers, Floats]
"""Rows [b], slots [b] and unit vectors [b, D] that belong together."""


class VectorSource(Protocol):
    """Where the vectors of a generation rest. Called from any thread, also from several at once."""

    def rows(self) -> Integers:
        """All live rows, ascending."""

    def after(self, row: int) -> Iterator[Block]:
        """Live rows greater than `row`, ascending, in blocks of some thousands."""


@dataclass(frozen=True, slots=True)
class Hits:
    """The answer of the index, most similar first; never a slot twice. n hits.

    Attributes:
        slots: of the tracks, shape [n].
        similarity: cosine to the query, shape [n].
        exact: every allowed vector was compared.
    """

    slots: Integers
    similarity: Floats
    exact: bool


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """What the index says of itself, for metrics and status.

    Attributes:
        tracks: vectors that a search can find.
        positions: places in the graph and the tail, dead ones included.
        dead: positions whose row was removed; the next rebuild frees them.
        strays: positions in the graph that it does not lead to; they are compared one by one too.
        tail: vectors that wait for their place in the graph and are compared one by one meanwhile.
        snapshot_age_s: seconds since the last snapshot was written; None where there is none.
        snapshot_failed: why the last attempt to write one failed; None if it did not.
        rebuild: share of the rebuild under way that is done, in [0, 1]; None where none is.
        degraded: why searches are slower than they should be, in words.
        bytes: of vectors, graph and columns in memory.
    """

    tracks: int
    positions: int
    dead: int
    strays: int
    tail: int
    snapshot_age_s: float | None
    snapshot_failed: str | None
    rebuild: float | None
    degraded: str | None
    bytes: int


@dataclass(frozen=True, slots=True)
class Tuning:
    """Parameters of the index.

    The defaults come from measurements on 100 000 and 1 000 000 vectors of 200 dimensions (`bench/catalog`).

    Attributes:
        links: M of HNSW (Malkov & Yashunin 2018, algorithm 1): neighbours per node; the lowest layer has twice as many.
        build_width: efConstruction: candidates that are looked at for the links of a new node.
        search_width: efSearch: least number of candidates that a search looks at.
        graph_from: below so many vectors there is no graph: comparing with all of them is as fast.
        merge_at: vectors in the tail from which they move into the graph also while more arrive.
        degraded_at: vectors in the tail from which searches are called degraded.
        tail_limit: vectors in the tail at which `add` waits.
        dead_share: share of dead positions that starts a rebuild.
        snapshot_changes: a snapshot is due after so many adds and removals, ...
        snapshot_share: ... if they are also this share of the tracks; ...
        snapshot_every_s: ... and after so many seconds for any change.
        retry_s: seconds until another attempt after a snapshot that failed.
        merge_s: seconds that one step of merging aims at; searches wait for it.
        merge_load: share of the time that merging may take while few vectors wait.
        idle_s: seconds without an add after which the tail is merged however short it is.
        niceness: of the thread that rebuilds: how much it gives way to everything else on the machine.
        candidate_us: microseconds that a candidate of a search by the graph costs; of the three only the ratios matter.
        comparison_us: that a comparison with one of many scattered vectors costs.
        position_us: that looking whether a position is allowed costs.
        cells: into how many the vectors are divided ...
        cells_from: ... from so many on; ...
        cells_enough: ... and how many allowed vectors are compared at least where the graph cannot serve a filter.
    """

    links: int = 16
    build_width: int = 100
    search_width: int = 128
    graph_from: int = 2_000
    merge_at: int = 512
    degraded_at: int = 16_384
    tail_limit: int = 32_768
    dead_share: float = 0.2
    snapshot_changes: int = 5_000
    snapshot_share: float = 0.05
    snapshot_every_s: float = 3_600.0
    retry_s: float = 60.0
    merge_s: float = 0.008
    merge_load: float = 0.2
    idle_s: float = 0.5
    niceness: int = 10
    candidate_us: float = 4.0
    comparison_us: float = 0.1
    position_us: float = 0.003
    cells: int = 1_024
    cells_from: int = 100_000
    cells_enough: int = 10_000
