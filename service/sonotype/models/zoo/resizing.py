"""Another length for a MAEST: its time encodings, interpolated (maest paper, section 3.2; the authors' own way)."""

from __future__ import annotations

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.zoo.maest_state import State

FRAMES_PER_S = 62.5
_STRIDE = 10
_CUBIC = -0.75  # Keys' parameter, as image libraries and torch choose it
_LONGEST_S = 600.0


def columns_of(seconds: float) -> int:
    """Length of the time encodings for so many seconds: 31, 62, 125 and 187 for 5, 10, 20 and 30 s.

    Raises:
        SonotypeError: `invalid_request` for less than one column or more than ten minutes.
    """
    if not 0 < seconds <= _LONGEST_S or (columns := int(seconds * FRAMES_PER_S) // _STRIDE) < 1:
        raise SonotypeError(Code.INVALID_REQUEST, f"A MAEST takes 0.16 to {_LONGEST_S:g} s, not {seconds:g}.")
    return columns


def resized(state: State, columns: int) -> State:
    """The same model with time encodings of another length."""
    time = state["time_new_pos_embed"]
    return state if time.shape[3] == columns else state | {"time_new_pos_embed": bicubic(time, columns)}


def bicubic(values: Floats, length: int) -> Floats:
    """Resample the last axis by cubic convolution (Keys 1981), edges repeated, corners not aligned."""
    old = values.shape[-1]
    at = (np.arange(length) + 0.5) * old / length - 0.5
    first = np.floor(at).astype(np.int64)
    out = np.zeros((*values.shape[:-1], length))
    for offset in range(-1, 3):
        places = np.clip(first + offset, 0, old - 1)
        out += _kernel(np.abs(at - first - offset)) * values[..., places].astype(np.float64)
    return np.ascontiguousarray(out, dtype=np.float32)


def _kernel(
    distance: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    near = ((_CUBIC + 2) * distance - (_CUBIC + 3)) * distance**2 + 1
    far = ((_CUBIC * distance - 5 * _CUBIC) * distance + 8 * _CUBIC) * distance - 4 * _CUBIC
    return np.where(distance <= 1, near, far)
