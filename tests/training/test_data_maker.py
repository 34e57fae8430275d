from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from data_kit import small_parts

from sonotype.core.errors import SonotypeError
from sonotype.training.data import licences, maker
from sonotype.training.data.dataset import Example, read_manifest
from sonotype.training.data.voices import Part

COUNT = 16
TOTAL = COUNT + COUNT // 4


def hashes(out: Path) -> dict[str, str]:
    return {str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in out.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def parts(cache: Path) -> Iterator[tuple[Part, ...]]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield small_parts(cache, monkeypatch)


@pytest.fixture(scope="module")
def whole(cache: Path, parts: tuple[Part, ...]) -> tuple[Path, list[Example]]:
    """A data set made by one process."""
    out = cache.parent / "whole"
    return out, maker.make_instruments(out, cache=cache, phrases=COUNT, parts=parts)


Whole = tuple[Path, list[Example]]


def test_two_processes_make_the_same_bytes(tmp_path: Path, cache: Path, parts: tuple[Part, ...], whole: Whole) -> None:
    told: list[tuple[int, int]] = []
    out = tmp_path / "two"
    maker.make_instruments(
        out, cache=cache, phrases=COUNT, parts=parts, jobs=2, on_phrase=lambda done, total: told.append((done, total))
    )
    assert hashes(out) == hashes(whole[0])
    assert told[0] == (0, TOTAL)
    assert told[-1] == (TOTAL, TOTAL)


def test_the_manifest_reads_back_and_names_what_is_there(whole: Whole) -> None:
    out, made = whole
    header = (out / maker.MANIFEST).read_text().splitlines()[0]
    assert header == "path,labels,split,source,group,licence"
    assert read_manifest(out / maker.MANIFEST) == made
    assert {str(e.path.relative_to(out)) for e in made} == {name for name in hashes(out) if name.startswith("audio/")}
    counts = maker.summary(made)
    assert counts["clarinet", "tonejs", "train"] == 5
    assert counts["clarinet", "tonejs", "validation"] == 1
    assert counts["clarinet", "musyngkite", "test"] == 4
    assert maker.hours(made) == pytest.approx(TOTAL * 8.4 / 3600)
    text = (out / licences.FILE).read_text()
    assert "CC-BY-SA-3.0" in text
    assert "Brosowsky" in text
    assert "sectoid" not in text


def test_files_are_mono_flac_of_16_bits(whole: Whole) -> None:
    info = soundfile.info(whole[1][0].path)
    assert (info.samplerate, info.channels, info.format, info.subtype) == (24_000, 1, "FLAC", "PCM_16")
    assert info.duration == pytest.approx(8.4)


def test_a_run_that_was_broken_off_goes_on(tmp_path: Path, cache: Path, parts: tuple[Part, ...], whole: Whole) -> None:
    out = tmp_path / "broken"

    def stop(done: int, _total: int) -> None:
        if done >= COUNT // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        maker.make_instruments(out, cache=cache, phrases=COUNT, parts=parts, on_phrase=stop)
    assert not (out / maker.MANIFEST).exists()
    kept = {path: path.stat().st_mtime_ns for path in out.rglob("*.flac")}
    assert COUNT // 2 <= len(kept) < TOTAL
    half = next(iter(kept)).parent / ".x.flac.ab12.tmp"
    half.write_bytes(b"fLaC half")
    maker.make_instruments(out, cache=cache, phrases=COUNT, parts=parts)
    assert hashes(out) == hashes(whole[0])
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_another_seed_sounds_different_and_is_not_mixed_in(
    tmp_path: Path, cache: Path, parts: tuple[Part, ...], whole: Whole
) -> None:
    maker.make_instruments(tmp_path / "other", cache=cache, phrases=COUNT, parts=parts[3:], seed=1)
    other = {name: digest for name, digest in hashes(tmp_path / "other").items() if name.endswith(".flac")}
    first = hashes(whole[0])
    assert len(other) == 4
    assert all(first[name] != digest for name, digest in other.items())
    with pytest.raises(SonotypeError, match="another seed"):
        maker.make_instruments(whole[0], cache=cache, phrases=COUNT, parts=parts, seed=1)


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, cache: Path, parts: tuple[Part, ...]) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(SonotypeError, match="not empty"):
        maker.make_instruments(tmp_path, cache=cache, phrases=COUNT, parts=parts)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_missing_library_is_told_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tinysoundfont", None)
    with pytest.raises(SonotypeError, match="tinysoundfont"):
        maker.make_instruments(tmp_path / "out", cache=tmp_path / "cache")
    assert not list(tmp_path.iterdir())
