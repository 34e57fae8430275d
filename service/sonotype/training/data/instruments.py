"""The classes of the data set `instruments`: how each instrument plays and how far it reaches.

Ranges are the usual written orchestral ranges at concert pitch, as MIDI keys (60 = middle C).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Style = Literal["melody", "bowed", "keyboard", "organ", "plucked", "mallet", "distorted"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """One class.

    Attributes:
        label: the class's name.
        low: lowest key.
        high: highest key.
        style: which phrases it plays.
        release_s: how long a note rings on after the key is let go (recorded samples only).
    """

    label: str
    low: int
    high: int
    style: Style
    release_s: float

    @property
    def slug(self) -> str:
        """The label as a folder name."""
        return self.label.replace(" ", "-")


INSTRUMENTS: tuple[Instrument, ...] = (
    Instrument("clarinet", 50, 89, "melody", 0.08),
    Instrument("distorted electric guitar", 40, 83, "distorted", 0.12),
    Instrument("flute", 60, 93, "melody", 0.08),
    Instrument("piano", 28, 98, "keyboard", 0.25),
    Instrument("tenor saxophone", 46, 76, "melody", 0.08),
    Instrument("trumpet", 54, 82, "melody", 0.08),
    Instrument("violin", 55, 95, "bowed", 0.14),
    Instrument("acoustic guitar", 40, 79, "plucked", 0.35),
    Instrument("cello", 36, 74, "bowed", 0.16),
    Instrument("organ", 36, 86, "organ", 0.12),
    Instrument("harp", 31, 95, "plucked", 0.9),
    Instrument("xylophone", 67, 103, "mallet", 0.6),
)
BY_LABEL = {instrument.label: instrument for instrument in INSTRUMENTS}
