"""Clips of a wanted length: the given files one after the other, round and round, as MP3 with a tag of their own."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile
import soxr

_RATE_HZ = 44100


def make(files: list[Path], seconds: float) -> bytes:
    """An MP3 of the files tiled to `seconds`."""
    parts = []
    for path in files:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        stereo = samples[:, [0, -1]]
        parts.append(stereo if rate == _RATE_HZ else soxr.resample(stereo, rate, _RATE_HZ))
    whole = np.concatenate(parts)
    length = round(seconds * _RATE_HZ)
    out = io.BytesIO()
    soundfile.write(out, np.tile(whole, (-(-length // len(whole)), 1))[:length], _RATE_HZ, format="MP3")
    return out.getvalue()


def distinct(audio: bytes, number: int) -> bytes:
    """The same audio as another file: an ID3v2 tag with a number before it, which the cache key does not overlook."""
    text = b"\x00" + f"take {number}".encode()
    frame = b"TIT2" + len(text).to_bytes(4, "big") + b"\x00\x00" + text
    return b"ID3\x03\x00\x00" + bytes([0, 0, 0, len(frame)]) + frame + audio
