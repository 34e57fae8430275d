"""Read GUS patches (`.pat`): short looped notes, as synthesizers of the nineties played them.

Layout: a header of 129 + 63 + 47 bytes, then for each note a header of 96 bytes and its samples (16 bit here). The
layout is public from the Gravis UltraSound SDK and used unchanged by every player since.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
import soxr

from sonotype.models.weights.base import corrupt
from sonotype.training.data.sampler import Recorded, Samples

_MAGIC = b"GF1PATCH110\x00"
_FILE_HEADER = 129 + 63 + 47
_NOTE_HEADER = 96
_SIXTEEN_BIT, _UNSIGNED, _LOOPS = 1, 2, 4
_LOOPED_S = 4.0


def read_patch(path: Path, rate_hz: int) -> list[Recorded]:
    """Read the notes of a patch; loops are played out to four seconds.

    Raises:
        SonotypeError: `weights_corrupt`; not a patch of signed or unsigned 16-bit notes.
    """
    data = path.read_bytes()
    if not data.startswith(_MAGIC):
        raise corrupt(f"{path.name} is not a GUS patch.")
    notes, offset = [], _FILE_HEADER
    try:
        while offset + _NOTE_HEADER <= len(data):
            size, loop_start, loop_end, rate = struct.unpack_from("<IIIH", data, offset + 8)
            (root_mhz,) = struct.unpack_from("<I", data, offset + 30)
            mode = data[offset + 55]
            raw = data[offset + _NOTE_HEADER : offset + _NOTE_HEADER + size]
            words = _words(raw, mode, (loop_start // 2, loop_end // 2), rate)
            notes.append(_note(words, rate, root_mhz / 1000, rate_hz))
            offset += _NOTE_HEADER + size
    except (struct.error, ValueError, ZeroDivisionError) as error:
        raise corrupt(f"{path.name} is damaged.") from error
    return notes


def _words(raw: bytes, mode: int, loop: tuple[int, int], rate: int) -> Samples:
    """Samples between -1 and 1, their loop played out."""
    if not mode & _SIXTEEN_BIT:
        raise ValueError("8-bit notes are not read")
    words = np.frombuffer(raw, dtype="<i2").astype(np.int32)
    if mode & _UNSIGNED:
        words = (words & 0xFFFF) - 32768
    samples = (words / 32768).astype(np.float32)
    return _played_out(samples, *loop, rate) if mode & _LOOPS else samples


def _note(samples: Samples, rate: int, root_hz: float, rate_hz: int) -> Recorded:
    exact = 69 + 12 * math.log2(root_hz / 440)
    key = round(exact)
    # the root lies between two keys: tune it to the nearer one
    tuned = soxr.resample(samples, rate * 2 ** ((key - exact) / 12), rate_hz).astype(np.float32)
    return Recorded(key, 0, tuned / max(1e-6, float(np.abs(tuned).max(initial=0.0))))


def _played_out(samples: Samples, start: int, end: int, rate: int) -> Samples:
    if not 0 <= start < end <= len(samples):
        raise ValueError("the loop lies outside the note")
    times = max(0, math.ceil((_LOOPED_S * rate - end) / (end - start)))
    return np.concatenate([samples[:end], np.tile(samples[start:end], times)])
