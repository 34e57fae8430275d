"""The generations that are open: for each an index and the set of slots whose vectors it holds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pyroaring import BitMap

from sonotype.catalog.embedded.schema import vectors_table
from sonotype.catalog.embedded.vectors import StoredVectors
from sonotype.catalog.port import Generation
from sonotype.core.errors import Code, SonotypeError

if TYPE_CHECKING:
    from sonotype.catalog.index.index import GenerationIndex

OpenIndex = Callable[[Path, int, StoredVectors], "GenerationIndex"]


@dataclass(frozen=True, slots=True)
class GenerationRow:
    """A generation as the table has it; `folder` is where its index keeps snapshots."""

    number: int
    name: str
    embedding: str
    model_sha256: str
    dim: int
    folder: str

    @property
    def table(self) -> str:
        """Name of the table of its vectors."""
        return vectors_table(self.number)


@dataclass(slots=True)
class OpenGeneration:
    """One generation with its index. Thread-safe.

    Attributes:
        row: as in the table.
        index: over its vectors.
        slots: of the tracks that have a vector in it.
    """

    row: GenerationRow
    index: GenerationIndex
    slots: BitMap
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hold(self, slot: int) -> None:
        """The track has a vector now."""
        with self._lock:
            self.slots.add(slot)

    def drop(self, slot: int) -> None:
        """The track has none any more."""
        with self._lock:
            self.slots.discard(slot)

    def holding(self) -> BitMap:
        """A copy of the slots that have a vector."""
        with self._lock:
            return self.slots.copy()

    def __len__(self) -> int:
        with self._lock:
            return len(self.slots)

    def facts(self, current: str | None) -> Generation:
        """As the port tells of it; `current` is the name that the alias points to."""
        row, degraded = self.row, self.index.degraded
        return Generation(
            name=row.name,
            embedding=row.embedding,
            model_sha256=row.model_sha256,
            dim=row.dim,
            state="ready" if degraded is None else "building",
            tracks=len(self),
            current=row.name == current,
            degraded=degraded,
        )


class Generations:
    """All generations that are open, and the alias. Only the writer's thread changes them; any may read."""

    def __init__(self) -> None:
        self._open: dict[str, OpenGeneration] = {}
        self.alias: str | None = None

    def find(self, name: str | None) -> OpenGeneration:
        """The generation of a name, or the current one. Raises `not_found`."""
        wanted = self.alias if name is None else name
        found = None if wanted is None else self._open.get(wanted)
        if found is None:
            detail = "The catalogue has no generation yet." if name is None else "The catalogue has no such generation."
            raise SonotypeError(Code.NOT_FOUND, detail)
        return found

    def get(self, name: str) -> OpenGeneration:
        """The generation that a vector is for. Raises `invalid_request`."""
        found = self._open.get(name)
        if found is None:
            raise SonotypeError(Code.INVALID_REQUEST, "The embedding is of a generation that the catalogue has not.")
        return found

    def current(self) -> OpenGeneration | None:
        """The one that the alias points to; None where there is none at all."""
        return None if self.alias is None else self._open.get(self.alias)

    def all(self) -> list[OpenGeneration]:
        """Oldest first."""
        return list(self._open.values())

    def add(self, one: OpenGeneration) -> None:
        """Take one in."""
        self._open = {**self._open, one.row.name: one}  # replaced as a whole: readers go through it unlocked

    def discard(self, name: str) -> None:
        """Let one go."""
        self._open = {known: one for known, one in self._open.items() if known != name}
