"""Play notes with a soundfont, through tinysoundfont."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.data.figures import Note

Samples = npt.NDArray[np.float32]
# the library interpolates linearly: play at twice the rate that is needed
_OVERSAMPLING = 2
_GAIN_DB = -6
_FLUSH_S = 0.5


class Soundfont:
    """A loaded soundfont.

    Args:
        path: an SF2 file.
        rate_hz: sampling rate to play at.

    Raises:
        SonotypeError: `weights_missing` without the package tinysoundfont, `weights_corrupt` for a file that it
            cannot read.
    """

    def __init__(self, path: Path, rate_hz: int) -> None:
        self._rate_hz = rate_hz * _OVERSAMPLING
        self._synth: Any = library().Synth(gain=_GAIN_DB, samplerate=self._rate_hz)
        try:  # the library raises a bare Exception
            self._id = self._synth.sfload(str(path))
        except Exception as error:
            raise SonotypeError(Code.WEIGHTS_CORRUPT, f"The soundfont {path.name} cannot be read.") from error

    def render(self, notes: list[Note], program: int, length_s: float) -> Samples:
        """Play notes with a preset of bank 0.

        Returns:
            Mono samples [round(length_s * rate)], not limited.
        """
        self._synth.program_select(0, self._id, 0, program)
        events = sorted(
            itertools.chain.from_iterable(
                ((n.start_s, 1, n.key, n.velocity), (n.start_s + n.duration_s, 0, n.key, 0)) for n in notes
            )
        )
        blocks, done, total = [], 0, round(length_s * self._rate_hz)
        for time_s, on, key, velocity in events:
            until = min(total, round(time_s * self._rate_hz))
            blocks.append(self._generate(until - done))
            done = until
            if done == total:
                break
            _ = self._synth.noteon(0, key, velocity) if on else self._synth.noteoff(0, key)
        blocks.append(self._generate(total - done))
        self._fall_silent()
        played: Samples = soxr.resample(np.concatenate(blocks), _OVERSAMPLING, 1).astype(np.float32)
        return played[: round(length_s * self._rate_hz / _OVERSAMPLING)]

    def _generate(self, count: int) -> Samples:
        if count <= 0:
            return np.zeros(0, dtype=np.float32)
        stereo = np.frombuffer(self._synth.generate(count), dtype=np.float32).reshape(-1, 2)
        mono: Samples = stereo.mean(axis=1)
        return mono

    def _fall_silent(self) -> None:
        """End every voice, so that the next phrase begins as the first one did."""
        self._synth.sounds_off()
        for _ in range(20):
            if not np.any(self._generate(round(_FLUSH_S * self._rate_hz))):
                return


def library() -> Any:
    """The module tinysoundfont, or `weights_missing` with how to install it."""
    try:
        import tinysoundfont  # noqa: PLC0415 (only who renders soundfonts needs it)
    except ImportError as error:
        advice = "pip install --no-deps tinysoundfont (its dependency pyaudio is for loudspeakers and not needed)"
        raise SonotypeError(Code.WEIGHTS_MISSING, f"Soundfonts are played by tinysoundfont: {advice}.") from error
    return tinysoundfont
