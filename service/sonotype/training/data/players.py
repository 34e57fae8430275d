"""A part, loaded and ready to play: what turns a random generator into the samples of a phrase."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.data.instruments import BY_LABEL, Instrument
from sonotype.training.data.patches import read_patch
from sonotype.training.data.room import Random, Samples, detune
from sonotype.training.data.sampler import Recorded, Sampler, read_notes
from sonotype.training.data.score import write_phrase
from sonotype.training.data.soundfont import Soundfont
from sonotype.training.data.stems import Stem, excerpts, read_stems
from sonotype.training.data.voices import Notes, Part, Patch, Programs, Stems

# what is rendered beyond the phrase, so that tuning sharp leaves enough
_SPARE_S = 0.2
# no note begins in the last moments
_LAST_S = 0.4


class Player(ABC):
    """Plays phrases of one class from one source."""

    @abstractmethod
    def play(self, random: Random, index: int, length_s: float) -> Samples:
        """Play a phrase.

        Args:
            random: the only source of chance.
            index: the number of the phrase; pieces of recordings are divided among phrases by it.
            length_s: its length.

        Returns:
            Mono samples [round(length_s * rate)], as dry as the source is.
        """


class SoundfontPlayer(Player):
    """Plays generated scores with one of several presets."""

    def __init__(self, soundfont: Soundfont, instrument: Instrument, programs: tuple[int, ...], rate_hz: int) -> None:
        self._soundfont = soundfont
        self._instrument = instrument
        self._programs = programs
        self._rate_hz = rate_hz

    def play(self, random: Random, index: int, length_s: float) -> Samples:
        """Play a generated score with one of the presets."""
        it = self._instrument
        notes = write_phrase(random, it.style, it.low, it.high, length_s - _LAST_S)
        program = self._programs[int(random.integers(len(self._programs)))]
        samples = self._soundfont.render(notes, program, length_s + _SPARE_S)
        return _cut(detune(random, samples, self._rate_hz), length_s, self._rate_hz)


class SamplerPlayer(Player):
    """Plays generated scores with one of several sets of recorded notes."""

    def __init__(self, sets: list[list[Recorded]], instrument: Instrument, reach: int, rate_hz: int) -> None:
        alone = instrument.style in {"melody", "bowed"}
        self._samplers = [Sampler(notes, rate_hz, instrument.release_s, one_at_a_time=alone) for notes in sets]
        self._instrument = instrument
        self._reach = reach
        self._rate_hz = rate_hz

    def play(self, random: Random, index: int, length_s: float) -> Samples:
        """Play a generated score with one of the sets."""
        sampler = self._samplers[int(random.integers(len(self._samplers)))]
        lowest, highest = sampler.keys
        low = max(self._instrument.low, lowest - self._reach)
        high = min(self._instrument.high, highest + self._reach)
        notes = write_phrase(random, self._instrument.style, low, high, length_s - _LAST_S)
        samples = sampler.render(notes, length_s + _SPARE_S)
        return _cut(detune(random, samples, self._rate_hz), length_s, self._rate_hz)


class StemPlayer(Player):
    """Cuts excerpts out of the piece that the voice gives each number."""

    def __init__(self, stems: list[Stem], voice: Stems, rate_hz: int) -> None:
        self._stems = {stem.piece: stem for stem in stems}
        self._voice = voice
        self._rate_hz = rate_hz

    def play(self, random: Random, index: int, length_s: float) -> Samples:
        """Cut an excerpt."""
        length = round(length_s * self._rate_hz)
        stem = self._stems[self._voice.piece_of(index)]
        starts = excerpts(stem, length + self._rate_hz, self._rate_hz)
        if not starts:
            return np.zeros(length, dtype=np.float32)
        start = int(random.choice(starts))
        samples = stem.samples[start : start + length + self._rate_hz // 2]
        return _cut(detune(random, samples, self._rate_hz), length_s, self._rate_hz)


class Players:
    """Loads players as they are asked for; keeps one soundfont, the large thing, at a time.

    Args:
        folders: the unpacked folder of every archive, by name.
        rate_hz: sampling rate to play at.
    """

    def __init__(self, folders: dict[str, Path], rate_hz: int) -> None:
        self._folders = folders
        self._rate_hz = rate_hz
        self._soundfont: tuple[Path, Soundfont] | None = None
        self._player: tuple[Part, Player] | None = None

    def get(self, part: Part) -> Player:
        """The player of a part."""
        if self._player is None or self._player[0] != part:
            self._player = None
            self._player = (part, self._load(part))
        return self._player[1]

    def _load(self, part: Part) -> Player:
        instrument, voice = BY_LABEL[part.label], part.voice
        folder = self._folders[part.archives[0]]
        if isinstance(voice, Programs):
            return SoundfontPlayer(self._load_soundfont(folder, voice.file), instrument, voice.programs, self._rate_hz)
        if isinstance(voice, Notes):
            return SamplerPlayer(self._load_notes(voice), instrument, voice.reach, self._rate_hz)
        if isinstance(voice, Patch):
            return SamplerPlayer(
                [read_patch(folder / voice.file, self._rate_hz)], instrument, voice.reach, self._rate_hz
            )
        return self._load_stems(folder, voice)

    def _load_soundfont(self, folder: Path, file: str) -> Soundfont:
        path = folder / file
        if not path.is_file():
            # unpacked packages keep their folders, an installed one gives the folder of the file
            path = next(iter(folder.rglob(Path(file).name)), path)
        if self._soundfont is None or self._soundfont[0] != path:
            self._soundfont = None
            self._soundfont = (path, Soundfont(path, self._rate_hz))
        return self._soundfont[1]

    def _load_notes(self, voice: Notes) -> list[list[Recorded]]:
        files = [sorted(self._folders[archive].glob(pattern)) for archive, pattern in voice.sets]
        if voice.layered:
            return [read_notes([(path, layer) for layer, paths in enumerate(files) for path in paths], self._rate_hz)]
        return [read_notes([(path, 0) for path in paths], self._rate_hz) for paths in files]

    def _load_stems(self, folder: Path, voice: Stems) -> Player:
        stems = read_stems(sorted(folder.glob(voice.pattern)), self._rate_hz)
        missing = {*voice.pieces, *voice.validation} - {stem.piece for stem in stems}
        if missing:
            raise SonotypeError(Code.SOURCE_UNREACHABLE, f"A source lacks the piece {min(missing)!r}.")
        return StemPlayer(stems, voice, self._rate_hz)


def _cut(samples: Samples, length_s: float, rate_hz: int) -> Samples:
    length = round(length_s * rate_hz)
    cut = np.zeros(length, dtype=np.float32)
    cut[: min(length, len(samples))] = samples[:length]
    fade = min(length, rate_hz // 50)
    cut[length - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return cut
