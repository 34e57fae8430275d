"""What an engine must do to take part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

COLUMNS = ("tenth", "hundredth", "thousandth", "region")


@dataclass(frozen=True)
class Where:
    """Keep rows whose column has this value."""

    column: str
    value: int


class Engine(Protocol):
    """A catalogue in a folder; rows are numbered from 0 without gaps.

    Attributes:
        graph_s: seconds of `bulk` and `seal` that went into the index rather than into the store.
    """

    graph_s: float

    def __init__(self, folder: Path, dims: int) -> None: ...

    def bulk(self, first: int, vectors: Floats, columns: Mapping[str, NDArray[np.int32]]) -> None:
        """Append many rows."""

    def seal(self) -> None:
        """After the last `bulk`: leave the catalogue as it should be searched and found at the next start."""

    def add(self, number: int, vector: Floats, columns: Mapping[str, int]) -> None:
        """Append one row; it is durable when this returns, and the next search finds it."""

    def search(self, query: Floats, k: int, where: Where | None = None) -> Numbers:
        """Row numbers, best first."""

    def numbers(self) -> Numbers:
        """All rows that the store holds."""

    def close(self) -> None:
        """End in good order."""
