"""Load players and tunes as they are asked for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.data.instruments import BY_LABEL
from sonotype.training.data.patches import read_patch
from sonotype.training.data.players import Player, SamplerPlayer, Score, SoundfontPlayer, StemPlayer
from sonotype.training.data.sampler import Recorded, read_notes
from sonotype.training.data.score import write_phrase
from sonotype.training.data.soundfont import Soundfont
from sonotype.training.data.stems import read_stems
from sonotype.training.data.tunes import ARCHIVE, FOLDER, read_tune
from sonotype.training.data.voices import Notes, Part, Patch, Programs, Stems


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
        self._read_tune = lru_cache(maxsize=None)(read_tune)

    def score(self, tune: str) -> Score:
        """What writes a phrase: our own chance, or the tune of that name."""
        if not tune:
            return write_phrase
        return self._read_tune(self._folders[ARCHIVE] / FOLDER / f"{tune}.mid").write

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
