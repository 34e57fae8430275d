"""The folders and logs of taggers: durable, whole or not there, and honest about damage."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from taggers_kit import about, base, bits, correction, tagger

from sonotype.catalog.taggers.folder import LOG, SET
from sonotype.catalog.taggers.store import TaggerStore
from sonotype.catalog.taggers.tagger import Tagger
from sonotype.core.errors import Code, SonotypeError

HERE = Path(__file__).parent


@pytest.mark.chaos
@pytest.mark.parametrize("lines", [31, 64])
def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path, lines: int) -> None:
    folder = tmp_path / "mine"
    tagger(folder).close()
    path = os.pathsep.join([str(HERE), *sys.path])
    child = subprocess.Popen(
        [sys.executable, str(HERE / "taggers_child.py"), str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )
    assert child.stdout is not None
    with child, child.stdout:
        told = [child.stdout.readline() for _ in range(lines)]
        child.kill()
        told += child.stdout.readlines()
    acknowledged = sum(line.startswith("!") for line in told)
    asked = sum(line.startswith("?") for line in told)
    found = Tagger(folder)
    kept = len(found.history.changes)
    assert acknowledged <= kept <= asked + 1  # one more may have begun than could be told
    # never half applied: it is the state after that many corrections
    same = tagger(tmp_path / "same")
    for number in range(kept):
        same.correct(correction(number, event=f"e{number}"))
    assert bits(found.taught) == bits(same.taught)


@pytest.mark.parametrize("cut", [1, 9, 40])
def test_a_torn_line_was_never_acknowledged(tmp_path: Path, cut: int) -> None:
    mine = tagger(tmp_path / "mine")
    for number in range(5):
        mine.correct(correction(number))
    before = bits(mine.taught)
    mine.correct(correction(5))
    mine.close()
    log = tmp_path / "mine" / LOG
    log.write_bytes(log.read_bytes()[:-cut])
    again = Tagger(tmp_path / "mine")
    assert bits(again.taught) == before
    again.correct(correction(6))
    again.close()
    assert bits(Tagger(tmp_path / "mine").taught) == bits(again.taught)


def test_a_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tagger(tmp_path / "mine")
    mine.correct(correction(0))
    before, size = bits(mine.taught), (tmp_path / "mine" / LOG).stat().st_size

    def full(fd: int, data: bytes, offset: int) -> int:
        monkeypatch.undo()
        os.pwrite(fd, data[:10], offset)
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("sonotype.catalog.taggers.log._write", full)
    with pytest.raises(SonotypeError) as caught:
        mine.correct(correction(1))
    assert caught.value.code is Code.INSUFFICIENT_STORAGE
    assert bits(mine.taught) == before
    assert (tmp_path / "mine" / LOG).stat().st_size == size
    mine.correct(correction(1))
    mine.close()
    assert bits(Tagger(tmp_path / "mine").taught) == bits(mine.taught)


def test_taggers_are_made_listed_and_deleted(tmp_path: Path) -> None:
    store = TaggerStore(tmp_path / "taggers")
    store.create(about("b"), base())
    store.create(about("a"), base()).correct(correction(0))
    assert [one.about.name for one in store.all()] == ["a", "b"]
    for refused in (lambda: store.create(about("a"), base()), lambda: store.check_free("a", 9)):
        with pytest.raises(SonotypeError) as caught:
            refused()
        assert caught.value.code is Code.CONFLICT
    with pytest.raises(SonotypeError) as caught:
        TaggerStore(tmp_path / "taggers")
    assert "Another process" in caught.value.detail
    store.delete("b")
    with pytest.raises(SonotypeError) as caught:
        store.get("b")
    assert caught.value.code is Code.NOT_FOUND
    store.close()
    again = TaggerStore(tmp_path / "taggers")
    assert [(one.about.name, one.facts().version) for one in again.all()] == [("a", 2)]
    again.close()


def test_what_a_crash_left_half_made_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".half").mkdir()
    (tmp_path / ".half" / SET).write_bytes(b"x")
    TaggerStore(tmp_path).close()
    assert not (tmp_path / ".half").exists()


@pytest.mark.parametrize("name", [SET, "tagger.json", LOG])
def test_damage_is_told_and_can_be_deleted(tmp_path: Path, name: str) -> None:
    store = TaggerStore(tmp_path)
    made = store.create(about("mine"), base())
    store.create(about("whole"), base())
    for number in range(3):
        made.correct(correction(number))
    store.close()
    file = tmp_path / "mine" / name
    data = bytearray(file.read_bytes())
    data[12] ^= 1
    file.write_bytes(data)
    again = TaggerStore(tmp_path)
    assert [one.about.name for one in again.all()] == ["whole"]
    with pytest.raises(SonotypeError) as caught:
        again.get("mine")
    assert caught.value.code is Code.UNAVAILABLE
    again.delete("mine")
    assert not (tmp_path / "mine").exists()
    again.close()
