from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonotype.training.data.figures import FIGURES
from sonotype.training.data.instruments import BY_LABEL, INSTRUMENTS, Style
from sonotype.training.data.score import write_phrase

STYLES = get_args(Style)


@given(seed=st.integers(0, 2**32), style=st.sampled_from(STYLES), low=st.integers(30, 80), span=st.integers(0, 50))
def test_notes_stay_within_range_time_and_loudness(seed: int, style: Style, low: int, span: int) -> None:
    notes = write_phrase(np.random.default_rng(seed), style, low, low + span, 8.0)
    assert all(low <= note.key <= low + span for note in notes)
    assert all(0 <= note.start_s < 8.2 and 0.07 <= note.duration_s <= 3.2 for note in notes)
    assert all(20 <= note.velocity <= 127 for note in notes)
    assert [note.start_s for note in notes] == sorted(note.start_s for note in notes)


@pytest.mark.parametrize("style", STYLES)
def test_the_same_seed_writes_the_same_phrase_and_another_another(style: Style) -> None:
    first, again, other = (write_phrase(np.random.default_rng(seed), style, 40, 80, 8.0) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_winds_play_one_note_at_a_time_and_keyboards_play_chords() -> None:
    def most_at_once(style: Style) -> int:
        starts = [[n.start_s for n in write_phrase(np.random.default_rng(s), style, 40, 90, 8.0)] for s in range(40)]
        return max(max(map(phrase.count, phrase), default=0) for phrase in starts)

    assert most_at_once("melody") == 1
    assert most_at_once("keyboard") >= 3
    assert most_at_once("distorted") >= 2


def test_phrases_vary_in_tempo_register_loudness_and_articulation() -> None:
    phrases = [write_phrase(np.random.default_rng(seed), "melody", 50, 89, 8.0) for seed in range(60)]
    counts = [len(phrase) for phrase in phrases]
    assert min(counts) < 10
    assert max(counts) > 35
    keys = [note.key for phrase in phrases for note in phrase]
    assert min(keys) <= 53
    assert max(keys) >= 86
    loudness = [np.mean([note.velocity for note in phrase]) for phrase in phrases if phrase]
    assert max(loudness) - min(loudness) > 40


def test_every_instrument_has_a_range_and_figures() -> None:
    assert len(INSTRUMENTS) == len(BY_LABEL) == 12
    assert all(it.low < it.high and FIGURES[it.style] for it in INSTRUMENTS)
