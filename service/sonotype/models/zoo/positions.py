"""Position encodings: one table, as AST keeps it, and the sum of a row's and a column's, as MAEST keeps it.

Of a table that came from such a sum, row i and column j hold freq[i] + time[j]; the two can be told apart but for one
vector that may be added to the one and taken from the other without any effect. That freedom is used up by letting
`freq` have a mean of zero, so `split(join(x))` gives the same network as x and other numbers. A table that was trained
freely has no such form and is refused.
"""

from __future__ import annotations

import numpy as np

from sonotype.core.types import Floats
from sonotype.models.weights.base import corrupt
from sonotype.models.zoo.maest_state import EXTRA_TOKENS, ROWS

TOLERANCE = 1e-5
"""Largest error of the sum that is found, in units of the table's largest number or 1, whichever is more."""


def join(tokens: Floats, freq: Floats, time: Floats) -> Floats:
    """The table of a MAEST.

    Args:
        tokens: `new_pos_embed`, [1, 2, width].
        freq: `freq_new_pos_embed`, [1, width, rows, 1].
        time: `time_new_pos_embed`, [1, width, 1, columns].

    Returns:
        [1, 2 + rows * columns, width], patches frequency-major.
    """
    grid = (freq + time)[0]  # [width, rows, columns]
    return np.ascontiguousarray(np.concatenate([tokens[0], grid.reshape(len(grid), -1).T])[None])


def split(table: Floats, what: str) -> tuple[Floats, Floats, Floats]:
    """The parts that `join` takes, of a table that is such a sum.

    Args:
        table: [1, 2 + 9 * columns, width].
        what: it came from, for messages.

    Raises:
        SonotypeError: `weights_corrupt` for another shape, or a table that is no sum of rows and columns.
    """
    if table.ndim != 3 or table.shape[0] != 1 or table.shape[1] <= EXTRA_TOKENS:
        raise corrupt(f"{what}: a table of positions cannot have the shape {table.shape}.")
    if (table.shape[1] - EXTRA_TOKENS) % ROWS:
        raise corrupt(f"{what}: {table.shape[1]} positions are not {ROWS} rows of patches and {EXTRA_TOKENS} tokens.")
    grid = table[0, EXTRA_TOKENS:].astype(np.float64).reshape(ROWS, -1, table.shape[2])
    time = grid.mean(axis=0)  # least squares, with a freq that has a mean of zero
    freq = (grid - time).mean(axis=1)
    error = np.abs(freq[:, None] + time[None] - grid).max()
    if not error <= TOLERANCE * max(1.0, np.abs(grid).max()):
        raise corrupt(f"{what}: its positions are no sum of rows and columns (off by {error:.2g}), so it is no MAEST.")
    return (
        np.ascontiguousarray(table[:, :EXTRA_TOKENS]),
        np.ascontiguousarray(freq.T[None, :, :, None], dtype=np.float32),
        np.ascontiguousarray(time.T[None, :, None, :], dtype=np.float32),
    )
