"""Scores: random phrases that are musical enough, each drawn from one random generator.

A phrase has a key and a scale, a tempo of 50 to 160 beats a minute, a register inside the instrument's range, a way of
playing (legato to staccato), a loudness curve, and one figure or two: a melodic walk, a scale, an arpeggio, long notes,
and for instruments that play chords also chords, broken chords, and a melody over a bass.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sonotype.training.data.figures import FIGURES, Note, Random, Setting
from sonotype.training.data.instruments import Style

_SCALES = (
    (0, 2, 4, 5, 7, 9, 11),  # major
    (0, 2, 3, 5, 7, 8, 10),  # minor
    (0, 2, 3, 5, 7, 8, 11),  # harmonic minor
    (0, 2, 3, 5, 7, 9, 10),  # dorian
    (0, 2, 4, 5, 7, 9, 10),  # mixolydian
    (0, 2, 4, 7, 9),  # pentatonic
    (0, 3, 5, 6, 7, 10),  # blues
    (0, 2, 4, 6, 8, 10),  # whole tones
)
_DENSITIES = ((4, 6, 1, 2, 0.3, 0.2, 0), (1, 5, 2, 5, 1, 1, 0), (0, 1, 1, 4, 3, 4, 2))


def write_phrase(random: Random, style: Style, low: int, high: int, length_s: float) -> list[Note]:
    """Write a phrase of about `length_s` seconds that stays between the keys `low` and `high`.

    Args:
        random: the only source of chance.
        style: which figures the instrument plays.
        low: lowest key.
        high: highest key.
        length_s: no note begins later than this.

    Returns:
        Notes in the order of their starts; none at all where every beat turned out a rest.
    """
    setting = _setting(random, low, high, length_s)
    figures, weights = zip(*FIGURES[style], strict=True)
    notes: list[Note] = []
    chosen = random.choice(len(figures), size=2, p=np.asarray(weights) / sum(weights))
    for half, figure in enumerate(chosen):
        # half of the phrases change their figure in the middle
        notes += [n for n in figures[figure](setting) if half == 0 or n.start_s >= length_s / 2]
        if half == 0 and random.random() < 0.5:
            notes = [n for n in notes if n.start_s < length_s / 2]
        elif half == 0:
            break
    return sorted(notes, key=lambda n: (n.start_s, n.key))


def _setting(random: Random, low: int, high: int, length_s: float) -> Setting:
    span = min(high - low, int(random.integers(12, 30)))
    bottom = int(random.integers(low, high - span + 1))
    root, scale = int(random.integers(12)), _SCALES[random.integers(len(_SCALES))]
    ladder = tuple(k for k in range(bottom, bottom + span + 1) if (k - root) % 12 in scale)
    articulation = random.random()
    sounding = random.uniform(1.0, 1.06) if articulation < 0.45 else random.uniform(0.7, 0.98)
    if articulation > 0.8:
        sounding = random.uniform(0.3, 0.6)
    return Setting(
        random=random,
        ladder=ladder or (bottom,),
        beat_s=60.0 / random.uniform(50, 160),
        sounding=sounding,
        loudness=_loudness(random, length_s),
        density=_DENSITIES[random.choice(3, p=(0.35, 0.45, 0.2))],
        rest=random.uniform(0.0, 0.14),
        until_s=length_s,
    )


def _loudness(random: Random, length_s: float) -> Callable[[float], float]:
    """A slow curve of velocity through three random points."""
    times = (0.0, length_s / 2, length_s)
    level = random.uniform(50, 100)
    values = level + random.uniform(-22, 22, 3)
    return lambda t: float(np.interp(t, times, values))
