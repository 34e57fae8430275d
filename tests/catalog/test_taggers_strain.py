"""Taggers under strain: damage, disks that fail, several threads, restarts, other machines."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from taggers_kit import LABELS, about, base, bits, correction, tagger, unit

from sonotype.catalog.taggers import store as stores
from sonotype.catalog.taggers import tagger as tagger_module
from sonotype.catalog.taggers.folder import LOG
from sonotype.catalog.taggers.log import DamagedLogError
from sonotype.catalog.taggers.store import TaggerStore
from sonotype.catalog.taggers.tagger import Correction, Tagger
from sonotype.core.errors import Code, SonotypeError

HERE = Path(__file__).parent


def code(call: Any) -> Code:
    with pytest.raises(SonotypeError) as caught:
        call()
    return caught.value.code


def taught(folder: Path, corrections: int) -> Tagger:
    mine = tagger(folder)
    for number in range(corrections):
        mine.correct(correction(number))
    return mine


def test_a_flipped_bit_in_the_last_line_is_damage_and_no_line_that_a_crash_cut_short(tmp_path: Path) -> None:
    taught(tmp_path / "mine", 3).close()
    log = tmp_path / "mine" / LOG
    data = bytearray(log.read_bytes())
    data[-10] ^= 1
    log.write_bytes(data)
    with pytest.raises(DamagedLogError, match="line 3"):
        Tagger(tmp_path / "mine")
    assert log.read_bytes() == data


def test_a_line_whose_first_block_never_reached_the_disk_is_cut_off(tmp_path: Path) -> None:
    mine = taught(tmp_path / "mine", 3)
    before = bits(mine.taught)
    mine.close()
    log = tmp_path / "mine" / LOG
    whole = log.read_bytes()
    log.write_bytes(whole + b"\0" * 40 + b'"}\n')
    again = Tagger(tmp_path / "mine")
    assert bits(again.taught) == before
    assert log.read_bytes() == whole


@pytest.mark.parametrize("line", [0, 1])
def test_a_line_that_is_missing_is_damage(tmp_path: Path, line: int) -> None:
    taught(tmp_path / "mine", 3).close()
    log = tmp_path / "mine" / LOG
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    with pytest.raises(DamagedLogError, match="makes version"):
        Tagger(tmp_path / "mine")


def test_a_log_that_is_gone_is_damage_and_not_begun_anew(tmp_path: Path) -> None:
    store = TaggerStore(tmp_path)
    store.create(about(), base())
    store.close()
    (tmp_path / "mine" / LOG).unlink()
    again = TaggerStore(tmp_path)
    assert code(lambda: again.get("mine")) is Code.UNAVAILABLE
    assert not (tmp_path / "mine" / LOG).exists()
    again.close()


def test_a_disk_that_fails_twice_is_mended_before_the_next_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the line can be written whole nor its beginning be cut off again."""
    mine = taught(tmp_path / "mine", 2)
    before, write = bits(mine.taught), os.pwrite

    def fail(*_: Any) -> None:
        raise OSError(errno.EIO, "broken")

    def half(fd: int, data: bytes, offset: int) -> int:
        write(fd, data[: len(data) // 2], offset)
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr("sonotype.catalog.taggers.log.os.ftruncate", fail)
    monkeypatch.setattr("sonotype.catalog.taggers.log.os.pwrite", half)
    assert code(lambda: mine.correct(correction(2))) is Code.UNAVAILABLE
    assert code(mine.undo) is Code.UNAVAILABLE
    assert bits(mine.taught) == before
    assert mine.facts().version == 3
    monkeypatch.undo()
    mine.undo()
    mine.close()
    again = Tagger(tmp_path / "mine")
    assert bits(again.taught) == bits(mine.taught)
    assert again.facts() == mine.facts()


def test_a_correction_that_fails_on_its_way_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = taught(tmp_path / "mine", 4)
    before = bits(mine.taught)
    with pytest.raises(TypeError):  # no line of the log can hold half a character
        mine.correct(Correction("t0", LABELS[0], True, client="\ud800"))
    assert bits(mine.taught) == before
    monkeypatch.setattr(mine._decider, "decide", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        mine.correct(correction(4))
    assert bits(mine.taught) == before
    assert mine.facts().version == 5
    mine.correct(correction(4))
    assert bits(Tagger(tmp_path / "mine").taught) == bits(mine.taught)


def test_a_closed_tagger_writes_into_nobody_elses_file(tmp_path: Path) -> None:
    mine = taught(tmp_path / "mine", 1)
    mine.close()
    mine.close()
    others = [(tmp_path / f"other{number}").open("wb") for number in range(8)]  # one of them has the log's old number
    assert code(lambda: mine.correct(correction(1))) is Code.UNAVAILABLE
    assert code(mine.undo) is Code.UNAVAILABLE
    for other in others:
        other.close()
        assert not Path(other.name).stat().st_size


def test_a_deleted_tagger_answers_whom_it_was_answering_and_learns_no_more(tmp_path: Path) -> None:
    store = TaggerStore(tmp_path)
    mine = store.create(about(), base())
    store.delete("mine")
    assert mine.answer("t0", None).scores.shape == (len(LABELS),)
    assert code(lambda: mine.correct(correction(0))) is Code.UNAVAILABLE
    assert code(lambda: store.get("mine")) is Code.NOT_FOUND
    store.create(about(), base()).correct(correction(0))
    store.close()


def test_another_thread_may_close_the_taggers(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as one:
        store = one.submit(TaggerStore, tmp_path).result()
    store.close()
    TaggerStore(tmp_path).close()


def test_what_could_not_be_made_or_deleted_durably_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, sync = TaggerStore(tmp_path), stores.sync_folder

    def fail(folder: Path) -> None:
        if folder == tmp_path:
            raise OSError(errno.EIO, "broken")
        sync(folder)

    store.create(about("kept"), base())
    monkeypatch.setattr(stores, "sync_folder", fail)
    assert code(lambda: store.create(about(), base())) is Code.INSUFFICIENT_STORAGE
    assert code(lambda: store.delete("kept")) is Code.UNAVAILABLE
    monkeypatch.undo()
    store.get("kept").correct(correction(0))
    store.delete("kept")
    store.check_free("mine", 1)
    store.create(about(), base())
    assert code(lambda: store.check_free("other", 1)) is Code.CONFLICT
    store.close()


def test_a_track_that_was_taken_back_is_told_of_and_changes_nothing(tmp_path: Path) -> None:
    mine = tagger(tmp_path / "mine")
    mine.correct(Correction("stranger", LABELS[0], True, unit(np.ones(8))))
    assert mine.knows("stranger")
    mine.undo()
    before = bits(mine.taught)
    assert not mine.knows("stranger")
    assert code(lambda: mine.answer("stranger", None)) is Code.CONFLICT
    assert code(lambda: mine.correct(Correction("stranger", LABELS[0], True))) is Code.CONFLICT
    assert bits(mine.taught) == before
    assert mine.facts().version == 3


def test_a_tagger_takes_no_more_changes_than_may_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sonotype.catalog.taggers.history.MOST", 3)
    mine = tagger(tmp_path / "mine")
    for number in range(3):
        mine.correct(correction(number, event=f"e{number}"))
    before = bits(mine.taught)
    assert code(lambda: mine.correct(correction(3))) is Code.CONFLICT
    assert code(mine.undo) is Code.CONFLICT
    assert mine.correct(correction(2, event="e2")).replayed
    assert bits(mine.taught) == before
    assert bits(Tagger(tmp_path / "mine").taught) == before


@pytest.mark.parametrize("vector", [np.full(8, np.nan), np.full(8, np.inf), np.ones(7), np.ones((1, 8))])
def test_vectors_that_cannot_be_compared_are_refused_and_change_nothing(tmp_path: Path, vector: Any) -> None:
    mine = tagger(tmp_path / "mine")
    before = bits(mine.taught)
    for call in (
        lambda: mine.answer(None, vector),
        lambda: mine.hear(vector),
        lambda: mine.correct(Correction("stranger", LABELS[0], True, vector)),
    ):
        assert code(call) is Code.INVALID_REQUEST
    assert bits(mine.taught) == before
    assert not (tmp_path / "mine" / LOG).stat().st_size


def test_restarts_decide_nothing(tmp_path: Path) -> None:
    """The same corrections with and without restarts between them, and with detours, make the same set."""
    steady, restless = tagger(tmp_path / "steady"), tagger(tmp_path / "restless")
    for number in range(80):
        steady.correct(correction(number))
        restless.correct(correction(number))
        if number % 20 == 0:
            restless.correct(correction(number + 1000))
            restless.undo()
            restless.close()
            restless = Tagger(tmp_path / "restless")
    assert any(change.merge for change in steady.history.changes)
    assert bits(restless.taught) == bits(steady.taught)


def test_many_threads_ask_and_teach_one_tagger(tmp_path: Path) -> None:
    mine = tagger(tmp_path / "mine")

    def work(number: int) -> None:
        try:
            if number % 10 == 7:
                mine.undo()
            elif number % 2:
                mine.correct(correction(number, event=f"e{number // 4}-{number % 2}"))
            else:
                heard = mine.answer(f"t{number % 60}", None)
                assert np.isfinite(heard.scores).all()
                np.testing.assert_allclose(sum(near.shares for near in heard.near), 1.0)
                mine.snapshot()
        except SonotypeError as error:
            assert error.code in (Code.CONFLICT, Code.IDEMPOTENCY_MISMATCH)  # noqa: PT017 - of a thread

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(400)))
    numbers = [change.version for change in mine.history.changes]
    assert numbers == list(range(2, 2 + len(numbers)))
    again = Tagger(tmp_path / "mine")
    assert bits(again.taught) == bits(mine.taught)
    assert again.facts() == mine.facts()


def test_answers_do_not_wait_for_undo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = taught(tmp_path / "mine", 5)
    before, begun, go_on = mine.answer("t0", None).scores, threading.Event(), threading.Event()

    def slow(*given: Any) -> Any:
        begun.set()
        assert go_on.wait(60)
        return restored(*given)

    restored = tagger_module.restored
    monkeypatch.setattr(tagger_module, "restored", slow)
    with ThreadPoolExecutor(2) as threads:
        undone = threads.submit(mine.undo)
        assert begun.wait(60)
        heard, version = threads.submit(mine.hear, mine.taught.vectors.values[0]).result(60)
        assert version == mine.facts().version == 6
        assert mine.knows("t0")
        np.testing.assert_array_equal(heard.scores, before)
        go_on.set()
        assert undone.result(60).change.version == 7
    assert mine.facts().version == 7


def test_replay_does_not_depend_on_the_machine(tmp_path: Path) -> None:
    """Another number of threads and other kernels for matrix products: the same set, bit for bit."""
    mine = taught(tmp_path / "mine", 60)
    mine.close()
    script = (
        "import hashlib, sys; from pathlib import Path; from taggers_kit import bits; "
        "from sonotype.catalog.taggers.tagger import Tagger; "
        "print(hashlib.sha256(repr(bits(Tagger(Path(sys.argv[1])).taught)).encode()).hexdigest())"
    )
    other = {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3", "OPENBLAS_CORETYPE": "Haswell"}
    found = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "mine")],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])} | other,
    )
    assert found.stdout.strip() == hashlib.sha256(repr(bits(mine.taught)).encode()).hexdigest()
