from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from data_kit import RATE_HZ, tone
from hypothesis import given, settings
from hypothesis import strategies as st

from sonotype.core.errors import SonotypeError
from sonotype.training.data import stems
from sonotype.training.data.figures import Note
from sonotype.training.data.room import detune, place
from sonotype.training.data.soundfont import Soundfont
from sonotype.training.data.stems import Stem, excerpts
from sonotype.training.data.voices import Stems, is_validation


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_a_room_keeps_length_and_leaves_headroom(seed: int) -> None:
    placed = place(np.random.default_rng(seed), tone(60), RATE_HZ)
    assert placed.shape == (2 * RATE_HZ,)
    assert placed.dtype == np.float32
    assert 10 ** (-12.1 / 20) < np.abs(placed).max() < 10 ** (-0.9 / 20)


def test_rooms_differ_by_seed_and_silence_stays_silent() -> None:
    first, again, other = (place(np.random.default_rng(seed), tone(60), RATE_HZ) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01
    assert not place(np.random.default_rng(0), np.zeros(RATE_HZ, np.float32), RATE_HZ).any()


def test_detuning_stays_small() -> None:
    for seed in range(5):
        tuned = detune(np.random.default_rng(seed), tone(69), RATE_HZ)
        hz = np.argmax(np.abs(np.fft.rfft(tuned * np.hanning(len(tuned)), 1 << 19))) * RATE_HZ / (1 << 19)
        assert abs(1200 * np.log2(hz / 440)) < 24


def test_excerpts_lie_where_the_instrument_plays() -> None:
    playing = np.tile(tone(60, 1.0), 20)
    samples = np.concatenate([np.zeros(20 * RATE_HZ, np.float32), playing, np.zeros(20 * RATE_HZ, np.float32)])
    starts = [start / RATE_HZ for start in excerpts(Stem("x", samples), 5 * RATE_HZ, RATE_HZ)]
    assert len(starts) >= 15
    assert min(starts) >= 18.9
    assert max(starts) <= 36.1


def test_pieces_for_validation_are_never_trained_on() -> None:
    voice = Stems("*", ("a", "b", "c"), ("d",))
    pieces = {index: voice.piece_of(index) for index in range(60)}
    assert {pieces[i] for i in pieces if is_validation(i)} == {"d"}
    assert {pieces[i] for i in pieces if not is_validation(i)} == {"a", "b", "c"}
    counts = [list(pieces.values()).count(piece) for piece in "abc"]
    assert max(counts) - min(counts) <= 1
    assert {Stems("*", ("a", "b")).piece_of(i) for i in range(9)} == {"a", "b"}


def test_no_stems_is_an_error() -> None:
    with pytest.raises(SonotypeError, match="none of the recordings"):
        stems.read_stems([], RATE_HZ)


class FakeSynth:
    """Plays ones while a key is down, and remembers what it was told."""

    def __init__(self, gain: float, samplerate: int) -> None:
        self.told: list[tuple[str, int]] = []
        self.down: set[int] = set()

    def sfload(self, path: str) -> int:
        if "bad" in path:
            raise Exception("cannot load")  # noqa: TRY002 (what the library raises)
        return 0

    def program_select(self, _channel: int, _font: int, _bank: int, program: int) -> None:
        self.told.append(("program", program))

    def noteon(self, _channel: int, key: int, _velocity: int) -> None:
        self.told.append(("on", key))
        self.down.add(key)

    def noteoff(self, _channel: int, key: int) -> None:
        self.told.append(("off", key))
        self.down.discard(key)

    def sounds_off(self) -> None:
        self.down.clear()

    def generate(self, count: int) -> memoryview:
        return memoryview(np.full((count, 2), float(bool(self.down)), np.float32).tobytes())


def test_a_soundfont_is_told_the_notes_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tinysoundfont", SimpleNamespace(Synth=FakeSynth))
    font = Soundfont(Path("x.sf2"), RATE_HZ)
    played = font.render([Note(0.5, 0.5, 60, 90), Note(1.0, 0.5, 60, 90), Note(3.0, 1, 62, 90)], 71, 2.0)
    assert font._synth.told == [("program", 71), ("on", 60), ("off", 60), ("on", 60), ("off", 60)]
    assert len(played) == 2 * RATE_HZ
    assert np.abs(played[: round(0.49 * RATE_HZ)]).max() < 1e-3
    assert played[round(0.6 * RATE_HZ) : round(1.4 * RATE_HZ)].min() > 0.99
    assert np.abs(played[round(1.51 * RATE_HZ) :]).max() < 1e-3
    with pytest.raises(SonotypeError, match="cannot be read"):
        Soundfont(Path("bad.sf2"), RATE_HZ)


def test_without_the_library_the_advice_is_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tinysoundfont", None)
    with pytest.raises(SonotypeError, match="pip install --no-deps tinysoundfont"):
        Soundfont(Path("x.sf2"), RATE_HZ)
