"""The index as its user, the embedded store, sees it."""

from __future__ import annotations

from pathlib import Path

from sonotype.catalog.index.values import Booleans, Hits, IndexFacts, Integers, Tuning, VectorSource
from sonotype.core.types import Floats


class GenerationIndex:
    """Search over the vectors of one generation.

    Searches and look-ups may come from any number of threads at once; `add` and `remove` from one thread at a time.
    All of them block: call them outside the event loop.
    """

    @classmethod
    def open(cls, folder: Path, dim: int, source: VectorSource, tuning: Tuning = Tuning()) -> GenerationIndex:  # noqa: B008 - frozen
        """Load the newest sound snapshot in `folder` and bring it up to date with `source`.

        Without one, the vectors are loaded for exact search and the graph is built in the background. Damaged
        snapshots are set aside under another name; nothing is deleted. Rows that are committed while this runs may
        be added again afterwards: adding a known row does nothing.
        """
        raise NotImplementedError

    def add(self, row: int, slot: int, vector: Floats) -> None:
        """Make a vector [D] of unit length findable by every search that begins after this returns.

        Rows must ascend. A slot holds one vector: the one that it held before is replaced in the same instant, so
        that no search meets both or neither.
        """
        raise NotImplementedError

    def remove(self, row: int) -> None:
        """Forget a row: no search that begins after this returns will find it. Unknown and removed rows are fine."""
        raise NotImplementedError

    def search(self, vector: Floats, count: int, allowed: Booleans | None = None, exact: bool = False) -> Hits:
        """The `count` vectors of the greatest inner product with `vector` [D].

        Args:
            vector: of unit length.
            count: how many; fewer come where fewer are allowed.
            allowed: by slot, shape [any]; slots beyond its end are not allowed. None allows all.
            exact: compare with every allowed vector. It is done anyway while the index is degraded, where few are
                allowed, and where the graph leads to too few allowed ones.
        """
        raise NotImplementedError

    def vectors_of(self, slots: Integers) -> tuple[Floats, Booleans]:
        """Vectors [n, D] of slots [n], and which of them [n] there are; rows of the others are zero."""
        raise NotImplementedError

    def statistics_of(self, slots: Integers) -> tuple[Floats, Floats]:
        """Mean [n] and standard deviation [n] of each slot's cosines to the fixed sample.

        Both are 0 for an unknown slot and while the generation is too small for a sample.
        """
        raise NotImplementedError

    @property
    def sample(self) -> Floats:
        """The fixed sample of unit vectors, shape [m, D]; m is 0 in a small generation."""
        raise NotImplementedError

    @property
    def degraded(self) -> str | None:
        """Why searches are exact and slower than they should be; None where nothing is amiss."""
        raise NotImplementedError

    def __len__(self) -> int:
        """How many vectors a search can find."""
        raise NotImplementedError

    def facts(self) -> IndexFacts:
        """Figures for metrics and status."""
        raise NotImplementedError

    def settle(self, timeout_s: float) -> bool:
        """Wait until no rebuild runs and the tail is in the graph; False if that took too long."""
        raise NotImplementedError

    def save(self) -> None:
        """Write a snapshot now.

        Raises:
            OSError: the disk is full or the folder cannot be written; older snapshots stay.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Stop what runs in the background, write a last snapshot if anything changed (a full disk is logged)."""
        raise NotImplementedError
