"""Scores that people wrote: parts of MIDI files, moved into the range of an instrument.

The tunes are divided among the splits, so a tune of the test is in no phrase of the training.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np

from sonotype.models.weights.base import corrupt
from sonotype.training.data.dataset import Split
from sonotype.training.data.figures import Note, Random
from sonotype.training.data.instruments import Style

ARCHIVE = "openmsx"
LICENCE = "GPL-2.0-only"
FOLDER = "usr/share/games/openttd/baseset/openmsx"
_TRAIN = """
    5432gone_redfarn be_sharp_bw_redfarn boogi_marabi_redfarn busy_schedule careless_perc_redfarn
    chuggachugga city_blues_redfarn flying_scotsman keep_on_rolling linns_basket midnight_snow_run
    moo_redfarn mosey_along_redfarn no_work_song_redfarn relax_song say_what_redfarn slow_neasy_redfarn
    ttsong_iii_imuh3 tttheme2 ultimate_run
"""
_VALIDATION = "coconut_run2 harp_harmony the_hobo_redfarn train_filled_with_cash"
_TEST = """
    chemistry_lab mighty_giant_run modern_motion run_for_your_life the_fast_route ttsong_iv_imuh3
    wood_whistles
"""
TUNES: dict[Split, tuple[str, ...]] = {
    "train": tuple(_TRAIN.split()),
    "validation": tuple(_VALIDATION.split()),
    "test": tuple(_TEST.split()),
}
_DRUMS = 9
_FEWEST_NOTES, _FEWEST_KEYS = 24, 4
# how often notes begin in a phrase; those of a xylophone die away soon
_ENOUGH: dict[Style, int] = {"mallet": 20, "plucked": 12}
_ENOUGH_ELSE = 8
_TRIES = 20
_TOGETHER_S = 0.03


@dataclass(frozen=True, slots=True)
class Tune:
    """A tune: the notes of each of its parts, in the order of their starts."""

    parts: tuple[tuple[Note, ...], ...]

    def write(self, random: Random, style: Style, low: int, high: int, length_s: float) -> list[Note]:
        """Cut out a phrase, a little faster or slower, transposed, its notes moved by octaves into the range.

        Args:
            random: the only source of chance.
            style: instruments that play one note at a time get the highest of each chord.
            low: lowest key.
            high: highest key, at least an octave above.
            length_s: no note begins later than this.

        Returns:
            Notes in the order of their starts; few or none where the tune has a long rest everywhere.
        """
        begin, pace, notes = self._excerpt(random, length_s, _ENOUGH.get(style, _ENOUGH_ELSE))
        if not notes:
            return []
        span = high - low
        target = random.uniform(low + 0.3 * span, high - 0.3 * span)
        shift = round(target - float(np.median([n.key for n in notes])))
        louder = random.uniform(-15, 15)
        moved = [
            Note(
                (n.start_s - begin) * pace,
                float(np.clip(n.duration_s * pace, 0.07, 3.2)),
                _folded(n.key + shift, low, high),
                int(np.clip(n.velocity + louder, 20, 127)),
            )
            for n in notes
        ]
        return _skyline(moved) if style in {"melody", "bowed"} else moved

    def _excerpt(self, random: Random, length_s: float, enough: int) -> tuple[float, float, list[Note]]:
        """Draw a start, a stretch of time, and the notes from there on: an excerpt that begins enough notes.

        Where a tune is too slow for that, each try is faster than the one before, up to twice as fast.
        """
        steady = random.uniform(0.85, 1.15)
        fullest: tuple[float, float, list[Note]] = (0.0, 1.0, [])
        most = 0
        for i in range(_TRIES):
            part = self.parts[int(random.integers(len(self.parts)))]
            begin = part[int(random.integers(len(part)))].start_s - 0.05
            pace = float(steady * (1 - 0.5 * i / _TRIES))
            notes = [n for n in part if begin <= n.start_s < begin + length_s / pace]
            starts = len({round(n.start_s / _TOGETHER_S) for n in notes})
            if starts > most:
                fullest, most = (begin, pace, notes), starts
            if starts >= enough and len({n.key for n in notes}) >= _FEWEST_KEYS:
                break
        return fullest


def read_tune(path: Path) -> Tune:
    """Read the parts of a MIDI file that are long enough and no drums.

    Raises:
        SonotypeError: `weights_corrupt`.
    """
    try:
        file = mido.MidiFile(path)
        parts = _parts(file)
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        raise corrupt(f"The tune {path.stem} cannot be read.") from error
    kept = [p for p in parts if len(p) >= _FEWEST_NOTES and len({note.key for note in p}) >= _FEWEST_KEYS]
    if not kept:
        raise corrupt(f"The tune {path.stem} has no part that can be played.")
    return Tune(tuple(kept))


def _parts(file: mido.MidiFile) -> list[tuple[Note, ...]]:
    now, down = 0.0, dict[tuple[int, int], tuple[float, int]]()
    parts: dict[int, list[Note]] = defaultdict(list)
    for message in file:
        now += message.time
        if message.type not in {"note_on", "note_off"} or message.channel == _DRUMS:
            continue
        key = (message.channel, message.note)
        if key in down:
            start, velocity = down.pop(key)
            parts[message.channel].append(Note(start, now - start, message.note, velocity))
        if message.type == "note_on" and message.velocity:
            down[key] = (now, message.velocity)
    return [tuple(sorted(parts[c], key=lambda n: (n.start_s, n.key))) for c in sorted(parts)]


def _folded(key: int, low: int, high: int) -> int:
    while key < low:
        key += 12
    while key > high:
        key -= 12
    return max(key, low)


def _skyline(notes: list[Note]) -> list[Note]:
    """The highest of the notes that begin together, each ending where the next one begins."""
    line: list[Note] = []
    for note in notes:
        if line and note.start_s - line[-1].start_s < _TOGETHER_S:
            if note.key > line[-1].key:
                line[-1] = note
        else:
            line.append(note)
    ends = [note.start_s for note in line[1:]] + [float("inf")]
    return [
        Note(n.start_s, max(0.07, min(n.duration_s, end - n.start_s)), n.key, n.velocity)
        for n, end in zip(line, ends, strict=True)
    ]
