"""Cut excerpts out of recordings of one instrument alone, where it plays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from sonotype.core.errors import Code, SonotypeError

Samples = npt.NDArray[np.float32]
_FRAME_S = 0.1
_QUIET = 10 ** (-40 / 20)
_PLAYING = 0.8


@dataclass(frozen=True, slots=True)
class Stem:
    """One recording: its piece and its mono samples [n]."""

    piece: str
    samples: Samples


def read_stems(paths: list[Path], rate_hz: int) -> list[Stem]:
    """Read recordings, mono at `rate_hz`; the folder of each names its piece."""
    if not paths:
        raise SonotypeError(Code.SOURCE_UNREACHABLE, "A source holds none of the recordings that are needed.")
    return [Stem(path.parent.name, _read(path, rate_hz)) for path in sorted(paths)]


def _read(path: Path, rate_hz: int) -> Samples:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono: Samples = soxr.resample(samples.mean(axis=1), rate, rate_hz).astype(np.float32)
    return mono


def excerpts(stem: Stem, length: int, rate_hz: int) -> list[int]:
    """Starts, a second apart, of the excerpts of `length` samples in which the instrument plays most of the time."""
    frame = round(_FRAME_S * rate_hz)
    count = len(stem.samples) // frame
    power = np.mean(stem.samples[: count * frame].reshape(count, frame) ** 2, axis=1)
    playing = np.sqrt(power) > _QUIET * np.sqrt(np.percentile(power, 95))
    frames = length // frame
    share = np.convolve(playing, np.ones(frames) / frames, mode="valid")
    per_second = round(1 / _FRAME_S)
    return [int(i) * frame for i in range(0, len(share), per_second) if share[i] >= _PLAYING]
