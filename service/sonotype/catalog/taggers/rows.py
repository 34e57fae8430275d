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
        self._held = np.array(rows)
        self._count = len(self._held)

    def __len__(self) -> int:
        return self._count

    @property
    def values(self) -> Any:
        """The rows, writable; valid until the next `append`."""
        return self._held[: self._count]

    def append(self, row: Any) -> None:
        """Add a row."""
        if self._count == len(self._held):
            room = np.empty((max(16, 2 * self._count), *self._held.shape[1:]), dtype=self._held.dtype)
            room[: self._count] = self._held
            self._held = room
        self._held[self._count] = row
        self._count += 1
