from __future__ import annotations

import itertools
from collections import defaultdict
from pathlib import Path

import mido
import numpy as np
import pytest
from data_kit import small_parts
from hypothesis import given, settings
from hypothesis import strategies as st

from sonotype.core.errors import SonotypeError
from sonotype.training.data import licences, maker, packages
from sonotype.training.data.figures import Note
from sonotype.training.data.parts import PARTS
from sonotype.training.data.phrases import plan
from sonotype.training.data.tunes import ARCHIVE, FOLDER, TUNES, Tune, read_tune

CHORDS = Tune((tuple(Note(i * 0.25, 0.4, 40 + 7 * (i % 5) + up, 90) for i in range(80) for up in (0, 4)),))


def write_midi(path: Path) -> None:
    """Two parts: a melody of quavers at 120 beats a minute, and drums."""
    file = mido.MidiFile(ticks_per_beat=480)
    for channel in (0, 9):
        track = mido.MidiTrack()
        file.tracks.append(track)
        for i in range(120):
            key = 60 + (i * 5) % 13
            track.append(mido.Message("note_on", channel=channel, note=key, velocity=80, time=40))
            track.append(mido.Message("note_on", channel=channel, note=key, velocity=0, time=200))
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(path)


def test_a_midi_file_gives_its_parts_in_seconds_without_drums(tmp_path: Path) -> None:
    write_midi(tmp_path / "x.mid")
    (part,) = read_tune(tmp_path / "x.mid").parts
    assert len(part) == 120
    assert part[0].key == 60
    assert part[1].start_s - part[0].start_s == pytest.approx(0.25)
    assert part[0].duration_s == pytest.approx(200 / 960)


@pytest.mark.parametrize("data", [b"", b"MThd", b"no midi at all"])
def test_what_is_no_tune_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.mid").write_bytes(data)
    with pytest.raises(SonotypeError, match="cannot be read"):
        read_tune(tmp_path / "x.mid")


@given(seed=st.integers(0, 2**32), low=st.integers(30, 80), span=st.integers(12, 50))
@settings(deadline=None)
def test_tunes_stay_within_the_range(seed: int, low: int, span: int) -> None:
    notes = CHORDS.write(np.random.default_rng(seed), "keyboard", low, low + span, 8.0)
    assert notes
    assert all(low <= n.key <= low + span and 0 <= n.start_s < 8.2 and 20 <= n.velocity <= 127 for n in notes)


def test_winds_play_the_highest_notes_one_at_a_time() -> None:
    notes = CHORDS.write(np.random.default_rng(0), "melody", 50, 90, 8.0)
    for first, second in itertools.pairwise(notes):
        assert first.start_s + first.duration_s <= second.start_s + 1e-9


def test_no_tune_is_in_two_splits() -> None:
    assert sum(map(len, TUNES.values())) == len({name for names in TUNES.values() for name in names}) == 31
    splits: dict[str, set[str]] = defaultdict(set)
    heard: dict[str, set[str]] = defaultdict(set)
    wanted = plan(PARTS, 0, 96)
    for phrase in wanted:
        splits[phrase.group].add(phrase.split)
        heard[phrase.split].add(phrase.part.source)
    assert all(len(found) == 1 for found in splits.values())
    assert not heard["test"] & (heard["train"] | heard["validation"])
    assert not {"muldjord", "sectoid", "pytoneanalyzer"} & (heard["test"] | heard["train"])
    assert len(wanted) == 96 * 12


def test_tunes_are_made_beside_generated_phrases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = small_parts(tmp_path / "cache", monkeypatch)[:1]
    archive = packages.ARCHIVES[ARCHIVE]
    for name in TUNES["train"]:
        write_midi(tmp_path / "cache" / "unpacked" / f"{ARCHIVE}-{archive.sha256[:12]}" / FOLDER / f"{name}.mid")
    made = maker.make_instruments(tmp_path / "out", cache=tmp_path / "cache", phrases=2, tunes=4, parts=parts)
    tunes = [e for e in made if "-tune-" in e.path.name]
    assert (len(made), len(tunes)) == (5, 3)
    assert {e.licence for e in tunes} == {"MIT AND GPL-2.0-only"}
    assert all(e.path.is_file() and e.group == f"tune/{name}" for e, name in zip(tunes, TUNES["train"], strict=False))
    assert "OpenMSX" in (tmp_path / "out" / licences.FILE).read_text()
