"""Which rows and columns of a spectrogram transformer's grid stay (Alonso-Jiménez et al., ISMIR 2023, section 3.3).

Pure arithmetic without torch. Every step works on what the step before it has left, so that steps and counts can be
combined on both axes without ever pointing outside the grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonotype.core.types import Patchout

# patches of 16 by 16 at every tenth frame and band (PaSST, Koutini et al., 2022)
SIDE = 16
STRIDE = 10

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays of a grid: indices of rows (frequency) and of columns (time), ascending."""

    rows: Indices
    columns: Indices

    @property
    def patches(self) -> int:
        """Number of patches that stay."""
        return len(self.rows) * len(self.columns)


def grid_size(length: int) -> int:
    """Patches along an axis of so many frames or bands; 0 where not even one fits."""
    return 0 if length < SIDE else 1 + (length - SIDE) // STRIDE


def kept(rows: int, columns: int, patchout: Patchout | None = None) -> Kept:
    """Choose what stays.

    At least one row and one column stay whatever the counts say, as on a clip that is much shorter than a patch.

    Args:
        rows: of the whole grid (frequency).
        columns: of the whole grid (time).
        patchout: what to leave out; None leaves nothing out.
    """
    if patchout is None:
        return Kept(np.arange(rows), np.arange(columns))
    random = None if patchout.seed is None else np.random.default_rng(patchout.seed)
    # time first: a seed gives the same columns whatever is left out of the rows
    times = _axis(columns, patchout.time_every, patchout.time_drop, random)
    return Kept(_axis(rows, patchout.freq_every, patchout.freq_drop, random), times)


def _axis(size: int, every: int, drop: int, random: np.random.Generator | None) -> Indices:
    left = np.arange(0, size, every)
    stay = max(1, len(left) - drop)
    if random is not None:
        return np.sort(random.choice(left, stay, replace=False))
    return left[np.arange(stay) * len(left) // stay]
