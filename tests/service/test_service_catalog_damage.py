"""Damaged snapshots and a full disk, behind the real command: it starts, searches, says so, heals, loses nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from damage_kit import check_all, generation, put, running, search

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
TRACKS = range(160)
_VERSION_AT = 8  # byte of the format's version, behind eight of magic


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a service that stored tracks and ended in order, with two snapshots of their index."""
    folder = tmp_path_factory.mktemp("original")
    with running(folder) as (service, client):
        for number in TRACKS:
            assert put(client, number, title=f"Song {number}").status_code == 201
            if number == 120:
                service.wait_until(lambda _: snapshots(folder), 120)
        assert service.stop() == 0
    assert len(snapshots(folder)) == 2
    return folder / "data"


def snapshots(folder: Path) -> list[Path]:
    """Oldest first."""
    return sorted((folder / "data" / "catalog" / "index").glob("*/snapshot-*.index"))


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def newer(path: Path) -> None:
    """A whole file of a later format: its checksum fits."""
    import google_crc32c  # noqa: PLC0415 - here alone

    data = bytearray(path.read_bytes())
    data[_VERSION_AT] = 99
    body = data[:-20]
    data[-12:-8] = google_crc32c.value(bytes(body)).to_bytes(4, "little")
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "word"), [(truncated, ".damaged"), (flipped, ".damaged"), (emptied, ".damaged"), (newer, "")]
)
def test_without_a_sound_snapshot_searches_are_exact_until_it_is_rebuilt(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], word: str
) -> None:
    shutil.copytree(original, tmp_path / "data")
    before = {}
    for path in snapshots(tmp_path):
        damage(path)
        before[path.with_name(path.name + word)] = path.read_bytes()
    stray = snapshots(tmp_path)[0].with_name("snapshot.unfinished.tmp")
    stray.write_bytes(b"not mine")
    monkeypatch.setenv("HOLD_REBUILD", str(tmp_path / "go"))
    with running(tmp_path) as (service, client):
        probe = client.get("/readyz").json()
        assert probe["catalog"] == "degraded"
        assert any("being built" in problem for problem in probe["problems"])
        assert "being built" in generation(client)["degraded"]
        for answer in check_all(client, TRACKS):
            assert (answer["exact"], answer["degraded"]) == (True, True)
        assert put(client, 1000).status_code == 201
        assert client.delete("/v1/tracks/t7").status_code == 204
        (tmp_path / "go").touch()
        service.wait_until(lambda probe: probe.get("/readyz").json()["catalog"] == "ok", 240)
        assert generation(client)["degraded"] is None
        numbers = [*(number for number in TRACKS if number != 7), 1000]
        answers = check_all(client, numbers)
        assert not any(answer["degraded"] for answer in answers)
        assert not all(answer["exact"] for answer in answers), "the graph is back"
        assert service.stop() == 0
    assert {path: path.read_bytes() for path in before} == before, "nothing is deleted or written over"
    assert stray.read_bytes() == b"not mine"


def test_the_older_snapshot_takes_the_place_of_a_damaged_one(original: Path, tmp_path: Path) -> None:
    shutil.copytree(original, tmp_path / "data")
    truncated(snapshots(tmp_path)[-1])
    with running(tmp_path) as (_, client):
        assert client.get("/readyz").json()["catalog"] == "ok"
        answers = check_all(client, TRACKS)
        assert not any(answer["degraded"] for answer in answers)


def test_a_command_beside_the_service_is_told_of_it(original: Path, tmp_path: Path) -> None:
    shutil.copytree(original, tmp_path / "data")
    with running(tmp_path) as (_, client):
        environment = os.environ | {"SONOTYPE_DATA_DIR": str(tmp_path / "data"), "SONOTYPE_MODELS": "fake"}
        command = [sys.executable, "-m", "sonotype", "catalog", "status"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode != 0
        assert "has this catalogue open" in " ".join(done.stderr.split())
        assert "--server" in done.stderr
        assert search(client, 3)["matches"][0]["track"]["id"] == "t3"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a tmpfs needs root and the right to mount")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, leave_bytes: int) -> None:
    """Ballast until so much is free."""
    with (disk / "ballast").open("ab") as file:
        free = shutil.disk_usage(disk).free
        try:
            file.write(b"\0" * max(0, free - leave_bytes))
            file.flush()
        except OSError:
            assert leave_bytes == 0


def refused_for_space(client: Any, number: int) -> None:
    answer = put(client, number)
    assert (answer.status_code, answer.json()["code"]) == (507, "insufficient_storage"), answer.text


def test_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    data = {"data_dir": small_disk / "data"}
    first = range(150)
    with running(tmp_path, **data) as (service, client):
        for number in first:
            assert put(client, number).status_code == 201
        fill(small_disk, 1 << 20)
        refused_for_space(client, 500)
        service.wait_until(lambda probe: probe.get("/v1/catalog").json()["writable"] is False, 60)
        service.wait_until(lambda probe: any("full" in it for it in probe.get("/readyz").json()["problems"]), 60)
        check_all(client, first)
        fill(small_disk, 0)
        refused_for_space(client, 500)
        check_all(client, first)
        service.process.send_signal(signal.SIGKILL)
        service.process.wait(60)
    with running(tmp_path, **data) as (service, client):
        check_all(client, first)
        refused_for_space(client, 500)
        (small_disk / "ballast").unlink()
        assert put(client, 500).status_code == 201
        assert client.delete("/v1/tracks/t3").status_code == 204
        kept = [*(number for number in first if number != 3), 500]
        check_all(client, kept)
        service.wait_until(lambda probe: not probe.get("/readyz").json()["problems"], 60)
        assert service.stop() == 0
