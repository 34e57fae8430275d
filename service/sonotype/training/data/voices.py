"""Which source plays which class, and how: a program of a soundfont, a folder of recorded notes, or performances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["train", "test"]


@dataclass(frozen=True, slots=True)
class Programs:
    """Presets of a soundfont (bank 0); a phrase draws one of them."""

    file: str
    programs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """Recorded notes: files whose name holds the note (`As3`, `Ab4`, `D#5`, `c4`).

    Attributes:
        sets: pairs of an archive and a glob below its folder.
        layered: the sets are loudness layers of one instrument, softest first; else a phrase draws one set.
        reach: semitones beyond the lowest and highest recorded note that are still played.
    """

    sets: tuple[tuple[str, str], ...]
    layered: bool = False
    reach: int = 4


@dataclass(frozen=True, slots=True)
class Patch:
    """A GUS patch (`.pat`): looped notes."""

    file: str
    reach: int = 4


@dataclass(frozen=True, slots=True)
class Stems:
    """Real performances of the instrument alone: excerpts of whole recordings.

    Attributes:
        pattern: glob of the recordings below the archive's folder; the folder of each names the piece.
        pieces: pieces for training, or all pieces of a test source.
        validation: pieces kept for validation.
    """

    pattern: str
    pieces: tuple[str, ...]
    validation: tuple[str, ...] = ()

    def piece_of(self, index: int) -> str:
        """The piece that a phrase is cut from."""
        if not self.validation:
            return self.pieces[index % len(self.pieces)]
        sixth = index // 6
        if is_validation(index):
            return self.validation[sixth % len(self.validation)]
        return self.pieces[(index - sixth) % len(self.pieces)]


def is_validation(index: int) -> bool:
    """Is this phrase of a training source kept for validation? One in six is."""
    return index % 6 == 5


Voice = Programs | Notes | Patch | Stems


@dataclass(frozen=True, slots=True)
class Part:
    """One source as it plays one class.

    Attributes:
        label: the class.
        source: the source's name.
        archives: names of the archives that hold it.
        voice: how it is played.
        weight: its share of the class's phrases, relative to the other sources of its role.
    """

    label: str
    source: str
    archives: tuple[str, ...]
    voice: Voice
    weight: float = 1.0
