"""Figures: the ways in which an instrument fills a phrase with notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sonotype.training.data.instruments import Style

Random = np.random.Generator
_BEATS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
_LONGEST_S = 3.2
_SHORTEST_S = 0.07


@dataclass(frozen=True, slots=True)
class Note:
    """One note: start and duration in seconds, MIDI key, MIDI velocity 1-127."""

    start_s: float
    duration_s: float
    key: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Setting:
    """What a whole phrase has in common. `ladder` holds the keys of the scale inside the register, ascending."""

    random: Random
    ladder: tuple[int, ...]
    beat_s: float
    sounding: float
    loudness: Callable[[float], float]
    density: tuple[float, ...]
    rest: float
    until_s: float

    def beats(self) -> float:
        """Draw the length of a note, in beats."""
        weights = np.asarray(self.density)
        return float(self.random.choice(_BEATS, p=weights / weights.sum()))

    def note(self, start_s: float, length_s: float, step: int, *, louder: float = 0.0, held: float = 1.0) -> Note:
        """The note at a step of the ladder, as long, as loud and as detached as this phrase has it."""
        key = self.ladder[int(np.clip(step, 0, len(self.ladder) - 1))]
        duration = float(np.clip(length_s * self.sounding * held, _SHORTEST_S, _LONGEST_S))
        velocity = self.loudness(start_s) + louder + self.random.normal(0, 5)
        return Note(start_s, duration, key, int(np.clip(velocity, 20, 127)))


Figure = Callable[[Setting], Iterator[Note]]
"""Plays a figure over a whole phrase."""


def _times(s: Setting) -> Iterator[tuple[float, float]]:
    """Starts and lengths of a rhythm; some beats are rests."""
    start = float(s.random.uniform(0, 0.25))
    while start < s.until_s:
        length = s.beats() * s.beat_s
        length = max(length, 0.09)
        if s.random.random() >= s.rest:
            yield start, length
        start += length


def _walk(s: Setting) -> Iterator[Note]:
    """A melody: mostly steps, some leaps, turning back at the ends of the register."""
    step = int(s.random.integers(len(s.ladder)))
    top = len(s.ladder) - 1
    for start, length in _times(s):
        yield s.note(start, length, step)
        move = s.random.choice((-4, -2, -1, 0, 1, 2, 3, 5), p=(0.06, 0.13, 0.28, 0.06, 0.26, 0.12, 0.06, 0.03))
        step = int(step + move)
        step = -step if step < 0 else 2 * top - step if step > top else step


def _run(s: Setting) -> Iterator[Note]:
    """Scales up and down in even notes."""
    yield from _even(s, stride=1)


def _arpeggio(s: Setting) -> Iterator[Note]:
    """Every second note of the scale, up and down."""
    yield from _even(s, stride=2)


def _even(s: Setting, stride: int) -> Iterator[Note]:
    length = max(0.11, s.beat_s * float(s.random.choice((0.25, 1 / 3, 0.5, 1.0))))
    step, direction = int(s.random.integers(len(s.ladder))), int(s.random.choice((-1, 1)))
    start = float(s.random.uniform(0, 0.2))
    while start < s.until_s:
        yield s.note(start, length, step)
        if not 0 <= step + direction * stride < len(s.ladder):
            direction = -direction
        step += direction * stride
        start += length


def _long(s: Setting) -> Iterator[Note]:
    """Long notes, a chance to hear how a tone develops."""
    start = float(s.random.uniform(0, 0.3))
    while start < s.until_s:
        length = float(s.random.uniform(1.2, 3.0))
        yield s.note(start, length, int(s.random.integers(len(s.ladder))), held=max(1.0, 0.9 / s.sounding))
        start += length


def _doubles(s: Setting) -> Iterator[Note]:
    """Two notes at once: thirds, fourths, sixths."""
    apart = int(s.random.choice((2, 3, 5)))
    for note in _walk(s):
        yield note
        above = s.ladder.index(note.key) + apart
        if above < len(s.ladder):
            yield Note(note.start_s, note.duration_s, s.ladder[above], note.velocity)


def _chords(s: Setting) -> Iterator[Note]:
    """Chords of three or four notes in changing positions, now and then spread."""
    size, spread = int(s.random.integers(3, 5)), float(s.random.choice((0.0, 0.0, 0.03)))
    for start, length in _times(s):
        bottom = int(s.random.integers(max(1, len(s.ladder) - 2 * size)))
        for i in range(size):
            if bottom + 2 * i < len(s.ladder):
                yield s.note(start + i * spread, max(length, 0.25), bottom + 2 * i, louder=-4)


def _broken(s: Setting) -> Iterator[Note]:
    """Broken chords whose notes ring into each other."""
    length = max(0.11, s.beat_s * float(s.random.choice((0.25, 0.5))))
    start, bottom = float(s.random.uniform(0, 0.2)), 0
    pattern = [int(i) for i in s.random.choice((0, 2, 4, 6, 7), size=int(s.random.integers(3, 7)))]
    count = 0
    while start < s.until_s:
        if count % (2 * len(pattern)) == 0:
            bottom = int(s.random.integers(max(1, len(s.ladder) - 7)))
        yield s.note(start, length, bottom + pattern[count % len(pattern)], held=2.5)
        start += length
        count += 1


def _melody_and_bass(s: Setting) -> Iterator[Note]:
    """A melody in the upper half over slower notes at the bottom."""
    half = len(s.ladder) // 2
    for note in _walk(s):
        step = s.ladder.index(note.key)
        yield Note(note.start_s, note.duration_s, s.ladder[max(step, half)], note.velocity)
    start = 0.0
    while start < s.until_s:
        length = s.beat_s * float(s.random.choice((1, 2)))
        yield s.note(start, length, int(s.random.integers(max(1, half // 2))), louder=-6)
        start += length


def _power_chords(s: Setting) -> Iterator[Note]:
    """Root and fifth (and octave) in the low register, often repeated."""
    root, octave = s.ladder[0], bool(s.random.random() < 0.5)
    low = [k for k in s.ladder if k <= s.ladder[0] + 10]
    for start, length in _times(s):
        if s.random.random() < 0.5:
            root = low[int(s.random.integers(len(low)))]
        chord = s.note(start, length, s.ladder.index(root))
        for interval in (0, 7, 12) if octave else (0, 7):
            if root + interval <= s.ladder[-1]:
                yield Note(chord.start_s, chord.duration_s, root + interval, chord.velocity)


def _tremolo(s: Setting) -> Iterator[Note]:
    """Fast repeated notes."""
    length = float(s.random.uniform(0.1, 0.16))
    start, step = 0.0, int(s.random.integers(len(s.ladder)))
    while start < s.until_s:
        if s.random.random() < 0.12:
            step = int(s.random.integers(len(s.ladder)))
        yield s.note(start, length, step)
        start += length


_SINGLE: tuple[tuple[Figure, float], ...] = ((_walk, 5), (_run, 1.5), (_arpeggio, 1.5), (_long, 1.5))
FIGURES: dict[Style, tuple[tuple[Figure, float], ...]] = {
    "melody": _SINGLE,
    "bowed": (*_SINGLE, (_doubles, 0.8)),
    "keyboard": (*_SINGLE, (_chords, 2.5), (_broken, 2.5), (_melody_and_bass, 3)),
    "organ": ((_walk, 2), (_run, 0.7), (_long, 1), (_chords, 4), (_melody_and_bass, 3)),
    "plucked": ((_walk, 3), (_run, 1), (_arpeggio, 1.5), (_chords, 2), (_broken, 3.5), (_melody_and_bass, 1.5)),
    "mallet": ((_walk, 4), (_run, 1.5), (_arpeggio, 1.5), (_doubles, 1), (_tremolo, 1.2)),
    "distorted": ((_walk, 3), (_run, 0.8), (_long, 1), (_power_chords, 3.5), (_tremolo, 0.8)),
}
