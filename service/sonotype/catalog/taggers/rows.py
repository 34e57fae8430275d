"""An array that grows by rows."""

from __future__ import annotations

from typing import Any

import numpy as np


class Rows:
    """Rows of one shape and type, with room for more, so that adding one does not copy all.

    Args:
        rows: the first ones, which are copied.
    """

    def __init__(self, rows: Any) -> None:
        first = np.asarray(rows)
        self._held, self._count = _room(first), len(first)

    def __len__(self) -> int:
        return self._count

    @property
    def values(self) -> Any:
        """The rows, writable; valid until the next `append`."""
        return self._held[: self._count]

    def append(self, row: Any) -> None:
        """Add a row."""
        if self._count == len(self._held):
            self._held = _room(self._held)
        self._held[self._count] = row
        self._count += 1


def _room(rows: Any) -> Any:
    """A copy of rows with room for an eighth more, and a few."""
    room = np.empty((len(rows) + len(rows) // 8 + 16, *rows.shape[1:]), dtype=rows.dtype)
    room[: len(rows)] = rows
    return room
