"""What is known of each part: the sum of its vectors, its signed counts, its mean.

Every step is exact, or done in one order on every machine, so that replay is bit for bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sonotype.catalog.taggers.rows import Rows
from sonotype.catalog.taggers.values import Numbers, Said
from sonotype.core.types import Floats
from sonotype.models.multilabel.samples import Doubles

_PRIOR = 1.0  # tracks that the share in the whole set counts for beside the members of a part


class Figures:
    """m parts, L labels, D dimensions. The number of a part that was merged into another lies far from everything.

    Attributes:
        sums: of the vectors of each part.
        counts: members that carry, and that do not carry, each label: [part, 2, L].
        centres: mean of each part; with `offsets`, its squared length, only for looking what is near.
        totals: `counts` of all parts together, shape [2, L].
        stamps: of each part, another number whenever it has changed.
        changed: parts that have, until somebody empties this.
    """

    def __init__(self, parts: int, dim: int, labels: int) -> None:
        self.sums = Rows(np.zeros((parts, dim)))
        self.counts = Rows(np.zeros((parts, 2, labels), dtype=np.int64))
        self.centres = Rows(np.zeros((parts, dim), dtype=np.float32))
        self.offsets = Rows(np.zeros(parts, dtype=np.float32))
        self.totals = np.zeros((2, labels), dtype=np.int64)
        self.stamps: dict[int, int] = {}
        self.changed: set[int] = set()
        self._clock = 0

    def prior(self) -> Doubles:
        """Share of the tracks that carry each label, by what is known, smoothed, shape [L]."""
        return np.asarray((self.totals[0] + 1.0) / (self.totals.sum(axis=0) + 2.0))

    def posterior(self, parts: Numbers) -> Doubles:
        """Mean of the Beta posterior of every label in parts, shape [len(parts), L]."""
        counts = self.counts.values[parts]
        return np.asarray((counts[:, 0] + _PRIOR * self.prior()) / (counts.sum(axis=1) + _PRIOR))

    def nearest(self, vector: Floats, count: int = 1) -> NDArray[np.int64]:
        """The nearest parts, nearest first; of equally near ones the lower number."""
        far = self.offsets.values - 2.0 * (self.centres.values @ vector)
        count = min(count, len(self.stamps))
        return np.array([far.argmin()]) if count == 1 else np.asarray(np.argsort(far, kind="stable")[:count])

    def _make(self) -> int:
        """A new part, of nothing yet; its number."""
        for rows in (self.sums, self.counts, self.centres, self.offsets):
            rows.append(np.zeros_like(rows.values[0]))
        return len(self.sums) - 1

    def _count(self, part: int, label: int, *, positive: bool, step: int) -> None:
        sign = 0 if positive else 1
        self.counts.values[part, sign, label] += step
        self.totals[sign, label] += step

    def _recount(self, part: int, vectors: Floats, said: Said) -> None:
        # one row after the other, whatever the machine: pairwise sums would depend on the memory's layout
        self.sums.values[part] = np.add.accumulate(vectors, axis=0, dtype=np.float64)[-1]
        self.counts.values[part] = (said > 0).sum(axis=0), (said < 0).sum(axis=0)
        self._move(part, len(vectors))

    def _join(self, into: int, gone: int, size: int) -> None:
        """One part takes another in, and has `size` members then."""
        self.sums.values[into] += self.sums.values[gone]
        self.counts.values[into] += self.counts.values[gone]
        self.offsets.values[gone] = np.inf
        del self.stamps[gone]
        self.changed.add(gone)
        self._move(into, size)

    def _move(self, part: int, size: int) -> None:
        centre = self.sums.values[part] / size
        self.centres.values[part] = centre
        self.offsets.values[part] = np.add.accumulate(centre * centre)[-1]  # in order, as in `_recount`
        self._stamp(part)

    def _stamp(self, part: int) -> None:
        self._clock += 1
        self.stamps[part] = self._clock
        self.changed.add(part)
