"""Play notes from recordings: the nearest recorded note, resampled to the pitch, faded in and out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.data.figures import Note

Samples = npt.NDArray[np.float32]
_NAME = re.compile(r"(?:^|-)([A-Ga-g])(s|#|b)?(\d)(?:[^0-9A-Za-z]|v\d|$)")
_SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_ACCIDENTALS = {"s": 1, "#": 1, "b": -1}
_ATTACK_S = 0.003
_LEGATO_S = 0.035
_QUIET = 10 ** (-45 / 20)
_LOUDEST_S = 4.5
_CACHED_NOTES = 800


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded note: its key, its loudness layer (0 is the softest) and its samples [n], from the onset on."""

    key: int
    layer: int
    samples: Samples


def key_of(name: str) -> int:
    """The MIDI key that a file name such as `As3`, `Ab4`, `D#5v8` or `clarinet-c5_16_bit` holds.

    Raises:
        SonotypeError: `invalid_request`; the name holds no note.
    """
    match = _NAME.search(name)
    if match is None:
        raise SonotypeError(Code.INVALID_REQUEST, f"The file name {name[:60]!r} holds no note such as C4 or As3.")
    return 12 * (int(match[3]) + 1) + _SEMITONES[match[1].lower()] + _ACCIDENTALS.get(match[2], 0)


def read_notes(files: list[tuple[Path, int]], rate_hz: int) -> list[Recorded]:
    """Read recorded notes: mono, at `rate_hz`, without the silence before them.

    Args:
        files: paths whose names hold the note, each with its loudness layer.
        rate_hz: sampling rate to play at.
    """
    notes = [Recorded(key_of(path.stem), layer, _read(path, rate_hz)) for path, layer in sorted(files)]
    if not notes:
        raise SonotypeError(Code.SOURCE_UNREACHABLE, "A source holds none of the notes that are needed.")
    return notes


def _read(path: Path, rate_hz: int) -> Samples:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1)[: int(rate * 12)], rate, rate_hz)
    return trim(mono.astype(np.float32), rate_hz)


def trim(samples: Samples, rate_hz: int) -> Samples:
    """Cut the silence before the onset, all but 5 ms of it, and scale to a peak of 1."""
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0:
        return samples
    onset = int(np.argmax(np.abs(samples) > _QUIET * peak))
    return samples[max(0, onset - rate_hz // 200) :] / np.float32(peak)


class Sampler:
    """An instrument made of recorded notes.

    Args:
        notes: the recordings.
        rate_hz: their sampling rate, and that of what is played.
        release_s: how long a note takes to die away after its end.
        one_at_a_time: a new note ends the one before (winds).
    """

    def __init__(self, notes: list[Recorded], rate_hz: int, release_s: float, *, one_at_a_time: bool) -> None:
        self._notes = notes
        self._rate_hz = rate_hz
        self._release_s = release_s
        self._one_at_a_time = one_at_a_time
        self._layers = 1 + max(note.layer for note in notes)
        self._pitched = lru_cache(maxsize=_CACHED_NOTES)(self._resampled)

    @property
    def keys(self) -> tuple[int, int]:
        """Lowest and highest recorded key."""
        keys = [note.key for note in self._notes]
        return min(keys), max(keys)

    def render(self, notes: list[Note], length_s: float) -> Samples:
        """Play notes.

        Returns:
            Mono samples [round(length_s * rate)], not limited.
        """
        out = np.zeros(round(length_s * self._rate_hz), dtype=np.float32)
        ended = -1.0
        for note in notes:
            legato = self._one_at_a_time and note.start_s <= ended + 0.01
            start = round(note.start_s * self._rate_hz)
            sound = self._sound(note, legato)[: max(0, len(out) - start)]
            out[start : start + len(sound)] += sound
            ended = note.start_s + note.duration_s
        return out

    def _sound(self, note: Note, legato: bool) -> Samples:
        layer = min(self._layers - 1, note.velocity * self._layers // 128)
        pitched = self._pitched(note.key, layer)
        skip = round(_LEGATO_S * self._rate_hz) if legato else 0
        release = round(self._release_s * self._rate_hz)
        held = round(note.duration_s * self._rate_hz)
        sound = pitched[skip : skip + held + release].copy()
        fade_in = min(len(sound), round((_LEGATO_S if legato else _ATTACK_S) * self._rate_hz))
        sound[:fade_in] *= np.linspace(0, 1, fade_in, dtype=np.float32)
        tail = len(sound) - held
        if tail > 0:
            # falls by 60 dB over the release
            sound[held:] *= np.exp(np.linspace(0, -6.9, release, dtype=np.float32)[:tail])
        last = min(len(sound), round(0.01 * self._rate_hz))
        sound[len(sound) - last :] *= np.linspace(1, 0, last, dtype=np.float32)
        return sound * np.float32((note.velocity / 127) ** 1.5)

    def _resampled(self, key: int, layer: int) -> Samples:
        nearest = min(self._notes, key=lambda note: (abs(note.key - key), abs(note.layer - layer)))
        semitones = key - nearest.key
        if semitones == 0:
            return nearest.samples
        factor = 2 ** (semitones / 12)
        samples = nearest.samples[: round(_LOUDEST_S * factor * self._rate_hz)]
        shifted: Samples = soxr.resample(samples, self._rate_hz * factor, self._rate_hz).astype(np.float32)
        return shifted
