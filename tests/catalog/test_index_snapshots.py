"""What becomes of the index when its files do not survive: never a lost track, never a deleted one back."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_kit import DIM, SMALL, Truth, clusters, opened, settled, snapshots

from sonotype.catalog.index import shelf, snapshot
from sonotype.catalog.index.index import GenerationIndex

COUNT = 200


@pytest.fixture
def truth() -> Truth:
    truth = Truth()
    truth.fill(clusters(COUNT)[0])
    return truth


@pytest.fixture
def saved(tmp_path: Path, truth: Truth) -> Path:
    """A folder with one snapshot."""
    settled(tmp_path, truth).close()
    assert snapshots(tmp_path) == ["snapshot-00000001.index"]
    return tmp_path / "snapshot-00000001.index"


def serves(index: GenerationIndex, truth: Truth) -> None:
    """Every track is found both ways, nothing else is."""
    assert len(index) == len(truth.stored)
    for exact in (True, False):
        for slot, vector in truth.stored.values():
            assert index.search(vector, 1, exact=exact).slots.tolist() == [slot]
        everything = index.search(vector, 10 * COUNT, exact=exact).slots.tolist()
        assert sorted(everything) == sorted(slot for slot, _ in truth.stored.values())


def test_a_snapshot_brings_everything_back(saved: Path, truth: Truth) -> None:
    index = opened(saved.parent, truth)
    assert index.degraded is None
    assert index.facts().tail == 0
    serves(index, truth)
    index.close()
    assert snapshots(saved.parent) == ["snapshot-00000001.index"]  # nothing changed, nothing written


def test_what_happened_since_is_made_up_for(saved: Path, truth: Truth) -> None:
    for slot in range(0, COUNT, 9):
        truth.drop(slot)
    for slot, vector in enumerate(clusters(40, seed=1)[0], start=COUNT - 10):
        if slot < COUNT and truth.row_of(slot) is None:
            continue
        truth.put(slot, vector)
    index = opened(saved.parent, truth)
    assert index.degraded is None
    assert index.facts().dead > 0
    serves(index, truth)
    index.close()


def test_too_much_since_means_a_rebuild(saved: Path, truth: Truth) -> None:
    for slot, vector in enumerate(clusters(300, seed=1)[0], start=COUNT):
        truth.put(slot, vector)
    index = opened(saved.parent, truth, replace(SMALL, degraded_at=50))
    assert index.degraded is not None
    serves(index, truth)
    assert index.settle(60)
    assert index.degraded is None
    serves(index, truth)
    index.close()


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def overwrite(path: Path) -> None:
    path.write_bytes(b"something else altogether" * 1_000)


@pytest.mark.parametrize("damage", [truncate, empty, flip, overwrite])
def test_a_damaged_snapshot_is_set_aside_and_the_graph_built_anew(
    saved: Path, truth: Truth, damage: Callable[[Path], None]
) -> None:
    truth.drop(17)
    damage(saved)
    broken = saved.read_bytes()
    index = opened(saved.parent, truth)
    assert index.degraded == f"the index of {COUNT - 1} tracks is being built"
    assert index.search(truth.stored[1][1], 5).exact
    serves(index, truth)
    assert saved.with_name("snapshot-00000001.index.damaged").read_bytes() == broken
    assert index.settle(60)
    assert index.degraded is None
    serves(index, truth)
    index.close()
    index = opened(saved.parent, truth)
    assert index.degraded is None
    serves(index, truth)
    index.close()


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_every_flipped_bit_is_noticed(flippable: Path, share: float, bit: int) -> None:
    data = bytearray((flippable / "good").read_bytes())
    data[int(share * len(data))] ^= 1 << bit
    bad = flippable / "bad"
    bad.write_bytes(data)
    with pytest.raises(snapshot.DamagedError):
        snapshot.read(bad, DIM)


@settings(max_examples=20, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_every_cut_is_noticed(flippable: Path, share: float) -> None:
    data = (flippable / "good").read_bytes()
    bad = flippable / "bad"
    bad.write_bytes(data[: int(share * len(data))])
    with pytest.raises(snapshot.DamagedError):
        snapshot.read(bad, DIM)


@pytest.fixture(scope="module")
def flippable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flip")
    truth = Truth()
    truth.fill(clusters(COUNT)[0])
    settled(folder / "index", truth).close()
    shutil.copy(folder / "index" / "snapshot-00000001.index", folder / "good")
    assert len(snapshot.read(folder / "good", DIM).rows) == COUNT
    return folder


def test_the_one_before_serves_where_the_newest_is_damaged(saved: Path, truth: Truth) -> None:
    index = opened(saved.parent, truth)
    truth.put(900, clusters(1, seed=3)[0][0], index)
    index.close()
    assert snapshots(saved.parent) == ["snapshot-00000001.index", "snapshot-00000002.index"]
    flip(saved.with_name("snapshot-00000002.index"))
    index = opened(saved.parent, truth)
    assert index.degraded is None
    assert snapshots(saved.parent) == ["snapshot-00000001.index", "snapshot-00000002.index.damaged"]
    serves(index, truth)
    index.save()
    assert "snapshot-00000003.index" in snapshots(saved.parent)
    index.close()


def test_two_snapshots_are_kept(saved: Path, truth: Truth) -> None:
    index = opened(saved.parent, truth)
    for _ in range(3):
        index.save()
    index.close()
    assert snapshots(saved.parent) == ["snapshot-00000003.index", "snapshot-00000004.index"]


def test_stray_files_are_left_alone(saved: Path, truth: Truth) -> None:
    strays = ["snapshot.unfinished", "snapshot-00000009.index.tmp", ".snapshot-00000002.index.1a2b.tmp", "notes.txt"]
    for name in strays:
        (saved.parent / name).write_bytes(b"half of a snapsh")
    (saved.parent / "snapshot-00000050.index").mkdir()
    index = opened(saved.parent, truth)
    assert index.degraded is None
    serves(index, truth)
    index.save()
    index.close()
    assert {*strays[1:]} <= {*snapshots(saved.parent)}
    index = opened(saved.parent, truth)
    assert index.degraded is None
    index.close()


def test_a_snapshot_of_a_later_release_is_left_alone(saved: Path, truth: Truth) -> None:
    data = saved.read_bytes()[: -struct.calcsize("<QI8s")]
    data = data[:8] + struct.pack("<I", snapshot.VERSION + 1) + data[12:]
    data += struct.pack("<QI8s", len(data), google_crc32c.value(data), data[:8])
    later = saved.with_name("snapshot-00000007.index")
    later.write_bytes(data)
    saved.unlink()
    index = opened(saved.parent, truth)
    assert index.degraded is not None
    serves(index, truth)
    assert index.settle(60)
    for _ in range(4):
        index.save()
    index.close()
    assert later.read_bytes() == data
    index = opened(saved.parent, truth)  # ours, though the other one is still there
    assert index.degraded is None
    index.close()


def test_vectors_of_another_length_are_not_ours(saved: Path, truth: Truth) -> None:
    other = Truth(8)
    other.fill(clusters(COUNT, 8)[0])
    index = opened(saved.parent, other)
    assert index.degraded is not None
    serves(index, other)
    index.close()
    assert "snapshot-00000001.index.damaged" in snapshots(saved.parent)


def test_a_store_restored_from_a_copy_is_believed(saved: Path) -> None:
    """The same rows stand for other vectors now."""
    restored = Truth()
    restored.fill(np.concatenate([clusters(COUNT - 20)[0], clusters(20, seed=5)[0]]))
    index = opened(saved.parent, restored)
    assert index.degraded is not None
    serves(index, restored)
    assert "snapshot-00000001.index.damaged" in snapshots(saved.parent)
    index.close()


@pytest.mark.parametrize("room", [0, 10, 3_000, 20_000])
def test_a_full_disk_keeps_the_old_snapshot(
    saved: Path, truth: Truth, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    index = opened(saved.parent, truth)
    old = saved.read_bytes()
    truth.put(700, clusters(1, seed=4)[0][0], index)
    assert index.settle(60)
    with full(monkeypatch, room), pytest.raises(OSError, match="No space left"):
        index.save()
    assert snapshots(saved.parent) == ["snapshot-00000001.index"]
    assert saved.read_bytes() == old
    assert index.facts().snapshot_failed == "No space left on device"
    serves(index, truth)
    index.save()
    assert index.facts().snapshot_failed is None
    index.close()


def test_a_disk_that_is_full_at_the_end_is_no_error(saved: Path, truth: Truth, monkeypatch: pytest.MonkeyPatch) -> None:
    index = opened(saved.parent, truth)
    truth.put(700, clusters(1, seed=4)[0][0], index)
    monkeypatch.setattr(shelf.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))
    index.close()
    assert snapshots(saved.parent) == ["snapshot-00000001.index"]
    monkeypatch.undo()
    index = opened(saved.parent, truth)
    serves(index, truth)
    index.close()


class full:  # noqa: N801 - reads like a function
    """A disk with room for so many bytes more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self._monkeypatch, self._room = monkeypatch, room

    def __enter__(self) -> None:
        write = snapshot._Summed.write
        left = self._room

        def limited(self: snapshot._Summed, data: bytes) -> int:
            nonlocal left
            left -= len(data)
            if left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(self, data)

        self._monkeypatch.setattr(snapshot._Summed, "write", limited)

    def __exit__(self, *_: object) -> None:
        self._monkeypatch.undo()


def test_a_snapshot_is_written_in_the_background_and_again_after_a_failure(
    tmp_path: Path, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    with full(monkeypatch, 100):
        index = settled(tmp_path, truth)
        wait_for(lambda: index.facts().snapshot_failed is not None)
        serves(index, truth)
        assert index.degraded is None
    wait_for(lambda: index.facts().snapshot_failed is None)
    assert snapshots(tmp_path) == ["snapshot-00000001.index"]
    assert index.facts().snapshot_age_s is not None
    index.close()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
