"""How many rows a worker can hold: halved when memory runs out, regained one by one."""

from __future__ import annotations

_GOOD_BATCHES_PER_ROW = 100


class RowLimit:
    """Multiplicative decrease, additive increase.

    Args:
        most: the configured number of rows, never exceeded.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.rows = most
        self._good = 0

    def shrink(self, failed_rows: int) -> None:
        """A batch of `failed_rows` did not fit."""
        self.rows = max(1, min(self.rows, failed_rows // 2))
        self._good = 0

    def good(self) -> bool:
        """A batch ran; returns whether that regained a row."""
        if self.rows == self.most:
            return False
        self._good += 1
        if self._good < _GOOD_BATCHES_PER_ROW:
            return False
        self._good = 0
        self.rows += 1
        return True
