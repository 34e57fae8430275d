from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from data_kit import NAMES, RATE_HZ, lay_notes, tone

from sonotype.core.errors import SonotypeError
from sonotype.training.data.figures import Note
from sonotype.training.data.patches import read_patch
from sonotype.training.data.sampler import Recorded, Sampler, key_of, read_notes, trim


def strongest_hz(samples: npt.NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 18))
    return float(np.argmax(spectrum)) * RATE_HZ / (1 << 18)


def sampler(*, one_at_a_time: bool = False) -> Sampler:
    notes = [Recorded(key, 0, trim(tone(key), RATE_HZ)) for key in NAMES]
    return Sampler(notes, RATE_HZ, 0.1, one_at_a_time=one_at_a_time)


@pytest.mark.parametrize("key", [57, 59, 60, 62, 67, 73, 80, 84])
def test_pitch_is_that_of_the_key(key: int) -> None:
    played = sampler().render([Note(0.1, 1.0, key, 100)], 1.5)
    cents = 1200 * np.log2(strongest_hz(played) / (440 * 2 ** ((key - 69) / 12)))
    assert abs(cents) < 5


def test_louder_velocity_plays_louder_and_notes_end() -> None:
    soft, loud = (sampler().render([Note(0.0, 0.5, 60, velocity)], 1.0) for velocity in (40, 120))
    assert np.abs(loud).max() > 3 * np.abs(soft).max()
    assert np.abs(loud[: RATE_HZ // 4]).max() > 0.3
    assert np.abs(loud[round(0.62 * RATE_HZ) :]).max() == 0


def test_legato_notes_fade_into_each_other_without_a_click() -> None:
    notes = [Note(0.0, 0.5, 60, 100), Note(0.5, 0.5, 60, 100)]
    joined = sampler(one_at_a_time=True).render(notes, 1.2)
    struck = sampler(one_at_a_time=False).render(notes, 1.2)
    at = round(0.5 * RATE_HZ)
    assert np.abs(np.diff(joined[at - 50 : at + 50])).max() <= np.abs(np.diff(struck[at - 50 : at + 100])).max()
    assert len(joined) == round(1.2 * RATE_HZ)


def test_layers_follow_the_velocity() -> None:
    quiet, bright = (np.full(RATE_HZ, value, dtype=np.float32) for value in (0.25, 1.0))
    both = Sampler([Recorded(60, 0, quiet), Recorded(60, 1, bright)], RATE_HZ, 0.1, one_at_a_time=False)
    low = both.render([Note(0.0, 0.5, 60, 40)], 0.5).max() / (40 / 127) ** 1.5
    high = both.render([Note(0.0, 0.5, 60, 127)], 0.5).max()
    assert low == pytest.approx(0.25, rel=1e-3)
    assert high == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("C4", 60),
        ("As3", 58),
        ("Ab4", 68),
        ("D#5v8", 75),
        ("clarinet-c5_16_bit", 72),
        ("steel-string-guitar-c4_16_bit", 60),
        ("F2 v2", 41),
    ],
)
def test_names_hold_notes(name: str, key: int) -> None:
    assert key_of(name) == key


def test_a_name_without_a_note_is_refused() -> None:
    with pytest.raises(SonotypeError, match="holds no note"):
        key_of("readme")


def test_notes_are_read_mono_from_their_onset(tmp_path: Path) -> None:
    folder = lay_notes(tmp_path / "notes")
    late = np.concatenate([np.zeros(44_100), tone(69, rate_hz=44_100)])
    soundfile.write(folder / "A4.wav", np.stack([late, late], axis=1), 44_100)
    notes = {note.key: note for note in read_notes([(p, 0) for p in folder.iterdir()], RATE_HZ)}
    assert set(notes) == {*NAMES, 69}
    assert len(notes[69].samples) == pytest.approx(2.005 * RATE_HZ, abs=300)
    assert np.abs(notes[69].samples).max() == pytest.approx(1.0)


def test_no_notes_is_an_error() -> None:
    with pytest.raises(SonotypeError, match="none of the notes"):
        read_notes([], RATE_HZ)


def patch(words: npt.NDArray[np.int16], loop: tuple[int, int], root_hz: float, mode: int) -> bytes:
    """A GUS patch of one note."""
    head = b"GF1PATCH110\x00ID#000002\x00".ljust(129 + 63 + 47, b"\x00")
    data = words.astype("<i2").tobytes()
    note = b"note\x00\x00\x00\x00" + struct.pack("<IIIHIII", len(data), *loop, RATE_HZ, 0, 0, round(root_hz * 1000))
    return head + note.ljust(55, b"\x00") + bytes([mode]) + b"\x00" * 40 + data


def test_a_patch_plays_its_loop_at_its_pitch(tmp_path: Path) -> None:
    period = 100  # 240 Hz, between As3 and B3, nearer to B3
    words = (20_000 * np.sin(2 * np.pi * np.arange(period * 5) / period)).astype(np.int16)
    path = tmp_path / "x.pat"
    path.write_bytes(patch(words, (period * 2 * 2, period * 4 * 2), 240.0, 0b101))
    (note,) = read_patch(path, RATE_HZ)
    assert note.key == 59
    assert len(note.samples) > 3.5 * RATE_HZ
    assert strongest_hz(note.samples) == pytest.approx(440 * 2 ** ((59 - 69) / 12), rel=1e-3)


@pytest.mark.parametrize(
    "data",
    [
        b"RIFF",
        patch(np.zeros(10, np.int16), (0, 0), 240.0, 0b000),
        patch(np.zeros(10, np.int16), (8, 900), 240.0, 0b101),
        patch(np.zeros(10, np.int16), (0, 4), 0.0, 0b001),
    ],
)
def test_a_bad_patch_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.pat"
    path.write_bytes(data)
    with pytest.raises(SonotypeError, match=r"not a GUS patch|damaged"):
        read_patch(path, RATE_HZ)
