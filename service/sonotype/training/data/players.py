"""A part, loaded and ready to play: what turns a random generator into the samples of a phrase."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from sonotype.training.data.figures import Note
from sonotype.training.data.instruments import Instrument, Style
from sonotype.training.data.room import Random, Samples, detune
from sonotype.training.data.sampler import Recorded, Sampler
from sonotype.training.data.score import write_phrase
from sonotype.training.data.soundfont import Soundfont
from sonotype.training.data.stems import Stem, excerpts
from sonotype.training.data.voices import Stems

# what is rendered beyond the phrase, so that tuning sharp leaves enough
_SPARE_S = 0.2
# no note begins in the last moments
_LAST_S = 0.4

Score = Callable[[Random, Style, int, int, float], list[Note]]
"""Writes the notes of a phrase: see `write_phrase`."""


class Player(ABC):
    """Plays phrases of one class from one source."""

    @abstractmethod
    def play(self, random: Random, index: int, length_s: float, score: Score = write_phrase) -> Samples:
        """Play a phrase.

        Args:
            random: the only source of chance.
            index: the number of the phrase; pieces of recordings are divided among phrases by it.
            length_s: its length.
            score: what writes the notes; recordings have their own.

        Returns:
            Mono samples [round(length_s * rate)], as dry as the source is.
        """


class SoundfontPlayer(Player):
    """Plays scores with one of several presets."""

    def __init__(self, soundfont: Soundfont, instrument: Instrument, programs: tuple[int, ...], rate_hz: int) -> None:
        self._soundfont = soundfont
        self._instrument = instrument
        self._programs = programs
        self._rate_hz = rate_hz

    def play(self, random: Random, index: int, length_s: float, score: Score = write_phrase) -> Samples:
        """Play a score with one of the presets."""
        it = self._instrument
        notes = score(random, it.style, it.low, it.high, length_s - _LAST_S)
        program = self._programs[int(random.integers(len(self._programs)))]
        samples = self._soundfont.render(notes, program, length_s + _SPARE_S)
        return _cut(detune(random, samples, self._rate_hz), length_s, self._rate_hz)


class SamplerPlayer(Player):
    """Plays scores with one of several sets of recorded notes."""

    def __init__(self, sets: list[list[Recorded]], instrument: Instrument, reach: int, rate_hz: int) -> None:
        alone = instrument.style in {"melody", "bowed"}
        self._samplers = [Sampler(notes, rate_hz, instrument.release_s, one_at_a_time=alone) for notes in sets]
        self._instrument = instrument
        self._reach = reach
        self._rate_hz = rate_hz

    def play(self, random: Random, index: int, length_s: float, score: Score = write_phrase) -> Samples:
        """Play a score with one of the sets."""
        sampler = self._samplers[int(random.integers(len(self._samplers)))]
        lowest, highest = sampler.keys
        low = max(self._instrument.low, lowest - self._reach)
        high = min(self._instrument.high, highest + self._reach)
        notes = score(random, self._instrument.style, low, high, length_s - _LAST_S)
        samples = sampler.render(notes, length_s + _SPARE_S)
        return _cut(detune(random, samples, self._rate_hz), length_s, self._rate_hz)


class StemPlayer(Player):
    """Cuts excerpts out of the piece that the voice gives each number."""

    def __init__(self, stems: list[Stem], voice: Stems, rate_hz: int) -> None:
        self._stems = {stem.piece: stem for stem in stems}
        self._voice = voice
        self._rate_hz = rate_hz

    def play(self, random: Random, index: int, length_s: float, score: Score = write_phrase) -> Samples:
        """Cut an excerpt."""
        length = round(length_s * self._rate_hz)
        stem = self._stems[self._voice.piece_of(index)]
        starts = excerpts(stem, length + self._rate_hz, self._rate_hz)
        if not starts:
            return np.zeros(length, dtype=np.float32)
        start = int(random.choice(starts))
        samples = stem.samples[start : start + length + self._rate_hz // 2]
        return _cut(detune(random, samples, self._rate_hz), length_s, self._rate_hz)


def _cut(samples: Samples, length_s: float, rate_hz: int) -> Samples:
    length = round(length_s * rate_hz)
    cut = np.zeros(length, dtype=np.float32)
    cut[: min(length, len(samples))] = samples[:length]
    fade = min(length, rate_hz // 50)
    cut[length - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return cut
