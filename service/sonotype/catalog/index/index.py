"""The index of one generation, as its user, the embedded store, sees it."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import structlog

from sonotype.catalog.index.keeper import Keeper
from sonotype.catalog.index.opening import contents
from sonotype.catalog.index.search import Query, search
from sonotype.catalog.index.shared import Shared
from sonotype.catalog.index.shelf import Shelf
from sonotype.catalog.index.values import Booleans, Hits, IndexFacts, Integers, Tuning, VectorSource
from sonotype.core.types import Floats

__all__ = ["GenerationIndex", "Hits", "IndexFacts", "Tuning", "VectorSource"]

log = structlog.get_logger(__name__)

_POLL_S = 0.005


class GenerationIndex:
    """Search over the vectors of one generation.

    Searches and look-ups may come from any number of threads at once; `add` and `remove` from one thread at a time.
    All of them block: call them outside the event loop.
    """

    def __init__(self, shared: Shared, dim: int) -> None:
        self._shared, self._dim = shared, dim
        self._keeper = Keeper(shared)
        self._keeper.start()

    @classmethod
    def open(cls, folder: Path, dim: int, source: VectorSource, tuning: Tuning = Tuning()) -> GenerationIndex:  # noqa: B008 - frozen
        """Load the newest sound snapshot in `folder` and bring it up to date with `source`.

        Without one, the vectors are loaded for exact search and the graph is built in the background. Damaged
        snapshots are set aside under another name; nothing is deleted. Rows that are committed while this runs may
        be added again afterwards: adding a known row does nothing.

        Raises:
            OSError: the folder can be neither made nor read.
        """
        shelf = Shelf(folder)
        return cls(Shared(contents(shelf, dim, source, tuning), shelf, tuning), dim)

    def add(self, row: int, slot: int, vector: Floats) -> None:
        """Make a vector [D] of unit length findable by every search that begins after this returns.

        Rows must ascend. A slot holds one vector: the one that it held before is replaced in the same instant, so
        that no search meets both or neither.

        Raises:
            ValueError: an unknown row that is less than a known one, or a vector of another length.
        """
        self._make_way()
        with self._shared.change() as held:
            if row <= held.positions.last_row:
                if held.positions.find(row) is None:
                    raise ValueError(f"row {row} comes after row {held.positions.last_row}")
                return
            if vector.shape != (self._dim,):
                raise ValueError(f"a vector of shape {vector.shape} instead of ({self._dim},)")
            held.append(row, slot, np.asarray(vector, dtype=np.float32))

    def remove(self, row: int) -> None:
        """Forget a row: no search that begins after this returns will find it. Unknown and removed rows are fine."""
        with self._shared.change() as held:
            held.positions.remove(row)

    def search(self, vector: Floats, count: int, allowed: Booleans | None = None, exact: bool = False) -> Hits:
        """The `count` vectors of the greatest inner product with `vector` [D].

        Args:
            vector: of unit length.
            count: how many; fewer come where fewer are allowed.
            allowed: by slot, shape [any]; slots beyond its end are not allowed. None allows all.
            exact: compare with every allowed vector. It is done anyway while there is no graph yet, where few are
                allowed, and where the graph leads to too few allowed ones.
        """
        query = Query(np.ascontiguousarray(vector, dtype=np.float32), count, allowed, exact)
        with self._shared.reading() as held:
            return search(held, query, self._shared.tuning)

    def vectors_of(self, slots: Integers) -> tuple[Floats, Booleans]:
        """Vectors [n, D] of slots [n], and which of them [n] there are; rows of the others are zero."""
        vectors = np.zeros((len(slots), self._dim), np.float32)
        with self._shared.reading() as held:
            places = held.positions.places(slots)
            there = places >= 0
            vectors[there] = held.vectors(places[there])
        return vectors, there

    def statistics_of(self, slots: Integers) -> tuple[Floats, Floats]:
        """Mean [n] and standard deviation [n] of each slot's cosines to the fixed sample.

        Both are 0 for an unknown slot and while the generation is too small for a sample.
        """
        with self._shared.reading() as held:
            positions = held.positions
            places = positions.places(slots)
            there = places >= 0
            return np.where(there, positions.mean[places], 0), np.where(there, positions.std[places], 0)

    @property
    def sample(self) -> Floats:
        """The fixed sample of unit vectors, shape [m, D]; m is 0 in a small generation."""
        return self._shared.held.sample

    @property
    def degraded(self) -> str | None:
        """Why searches are slower than they should be; None where nothing is amiss."""
        held = self._shared.held
        if not held.segment.has_graph:
            return f"the index of {held.positions.now.live} tracks is being built"
        if len(held.tail) > self._shared.tuning.degraded_at:
            return f"{len(held.tail)} new tracks wait for their place in the index"
        return None

    def __len__(self) -> int:
        """How many vectors a search can find."""
        return self._shared.held.positions.now.live

    def facts(self) -> IndexFacts:
        """Figures for metrics and status."""
        with self._shared.reading() as held:
            now, rebuild = held.positions.now, self._keeper.rebuild
            return IndexFacts(
                tracks=now.live,
                positions=now.total,
                dead=now.total - now.live,
                strays=len(held.strays.positions),
                tail=len(held.tail),
                snapshot_age_s=self._shared.shelf.age_s(),
                snapshot_failed=self._shared.failed,
                rebuild=rebuild.progress if rebuild else None,
                degraded=self.degraded,
                bytes=held.size_bytes,
            )

    def settle(self, timeout_s: float) -> bool:
        """Wait until nothing is left to do in the background; False if that took too long."""
        deadline = time.monotonic() + timeout_s
        self._keeper.hurry = True
        try:
            while not self._keeper.idle:
                if time.monotonic() > deadline:
                    return False
                self._shared.wake.set()
                time.sleep(_POLL_S)
        finally:
            self._keeper.hurry = False
        return True

    def save(self) -> None:
        """Write a snapshot now; while there is no graph yet there is nothing to write.

        Raises:
            OSError: the disk is full or the folder cannot be written; older snapshots stay.
        """
        if self._shared.held.segment.has_graph:
            self._shared.save()

    def close(self) -> None:
        """Stop what runs in the background, and write a last snapshot if anything changed (a full disk is logged)."""
        self._keeper.stop()
        if self._shared.changes or self._shared.snapshot_due:
            try:
                self.save()
            except OSError as error:
                log.warning("the last snapshot of the index could not be written", reason=error.strerror)

    def _make_way(self) -> None:
        """Wait while far more vectors come than can be merged; not where none can, for whoever adds holds up others."""
        keeper, limit = self._keeper, self._shared.tuning.tail_limit
        while len(self._shared.held.tail) >= limit and keeper.is_alive() and not keeper.failing:
            self._shared.wake.set()
            time.sleep(_POLL_S)
