"""A folder as bad as they come: nothing hangs, nothing outside is touched, every reason is told."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from pathlib import Path

import pytest
from jobs_kit import MAX_BYTES, FakeTarget, fill, ingest, old, states

from sonotype.catalog.jobs.job import FileState, JobState
from sonotype.core.errors import Code
from sonotype.plane.catalog.ingest import rooted


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


async def test_every_kind_of_thing_that_is_no_file(tmp_path: Path, root: Path) -> None:
    fill(root, ["good.wav", "album/second.flac", "album/cover.jpg", "notes.txt"])
    (root / "etc").symlink_to("/etc")
    (root / "out.wav").symlink_to("/etc/passwd")
    (root / "cover.png").symlink_to("/etc/passwd")
    os.mkfifo(root / "pipe.wav")
    os.mkfifo(root / "pipe")
    (root / "empty.wav").touch()
    old(root / "empty.wav")
    with (root / "endless.wav").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    old(root / "endless.wav")
    with open(os.fsencode(root) + b"/bad-\xff.wav", "wb") as file:
        file.write(b"sound")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(root / "socket.wav"))
    with listener:
        job, files, target = await asyncio.wait_for(ingest(tmp_path, root), 20)
    assert job.state is JobState.COMPLETED_WITH_ERRORS
    assert states(files) == {
        "good.wav": FileState.STORED,
        "album/second.flac": FileState.STORED,
        "etc": FileState.SKIPPED,
        "out.wav": FileState.SKIPPED,
        "pipe.wav": FileState.SKIPPED,
        "pipe": FileState.SKIPPED,
        "socket.wav": FileState.SKIPPED,
        "empty.wav": FileState.SKIPPED,
        "endless.wav": FileState.FAILED,
        "bad-\\xff.wav": FileState.SKIPPED,
    }
    assert all(file.detail for file in files.values() if file.state is not FileState.STORED)
    assert files["endless.wav"].code == Code.UPLOAD_TOO_LARGE
    assert job.total == len(files) == sum(job.counts.values())
    assert sorted(row["external_id"] for row in target.stored()) == ["album/second.flac", "good.wav"]
    assert [put.source for put in target.puts] == [put.metadata.external_id for put in target.puts]


@pytest.mark.skipif(not hasattr(os, "mknod") or os.geteuid() != 0, reason="only root may make a device")
async def test_a_device_is_not_opened(tmp_path: Path, root: Path) -> None:
    try:
        os.mknod(root / "zero.wav", 0o20666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this system lets nobody make a device")
    (root / "list.csv").write_text("path\nzero.wav\n")
    _, files, _ = await asyncio.wait_for(ingest(tmp_path, root), 20)
    assert states(files) == {"zero.wav": FileState.SKIPPED}
    _, files, _ = await asyncio.wait_for(ingest(tmp_path / "again", root, "list.csv"), 20)
    assert files["zero.wav"].state is FileState.SKIPPED
    assert "device" in (files["zero.wav"].detail or "")


async def test_a_file_that_grows(tmp_path: Path, root: Path) -> None:
    fill(root, ["good.wav"])
    growing, stop = root / "growing.wav", threading.Event()
    growing.write_bytes(b"beginning")

    def write() -> None:
        with growing.open("ab", buffering=0) as file:
            while not stop.wait(0.01):
                file.write(b"more")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        _, files, _ = await asyncio.wait_for(ingest(tmp_path, root), 20)
    finally:
        stop.set()
        thread.join()
    assert files["growing.wav"].state is FileState.SKIPPED
    assert "writes" in (files["growing.wav"].detail or "")
    assert files["good.wav"].state is FileState.STORED


async def test_what_may_not_be_read(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(root, ["good.wav", "secret.wav", "closed/inside.wav"])
    real = os.open

    def refuse(path: str, flags: int, *rest: int, **options: int) -> int:
        if path in ("secret.wav", "closed"):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *rest, **options)

    monkeypatch.setattr(rooted.os, "open", refuse)
    job, files, _ = await ingest(tmp_path, root)
    assert job.state is JobState.COMPLETED_WITH_ERRORS
    assert states(files) == {
        "good.wav": FileState.STORED,
        "secret.wav": FileState.SKIPPED,
        "closed": FileState.SKIPPED,
    }
    assert files["secret.wav"].detail == files["closed"].detail == "It may not be read."


async def test_a_folder_swapped_for_a_link_leads_nowhere(tmp_path: Path, root: Path) -> None:
    outside = tmp_path / "outside"
    fill(outside, ["secret.wav"])
    fill(root, ["a.wav", "folder/secret.wav"])

    def swap(_: object) -> None:
        if (root / "folder").is_dir() and not (root / "folder").is_symlink():
            (root / "folder").rename(tmp_path / "moved")
            (root / "folder").symlink_to(outside)

    target = FakeTarget(tmp_path / "stored.jsonl", before=swap)
    _, files, _ = await ingest(tmp_path, root, target=target, concurrency=1)
    assert files["folder/secret.wav"].state is not FileState.STORED
    assert [row["external_id"] for row in target.stored()] == ["a.wav"]


async def test_folders_without_end(tmp_path: Path, root: Path) -> None:
    fill(root, ["good.wav"])
    folder = os.open(root, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("deep", dir_fd=folder)
        below = os.open("deep", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)
    job, files, _ = await ingest(tmp_path, root)
    assert job.counts == {FileState.STORED: 1, FileState.SKIPPED: 1}
    assert any("folders deep" in (file.detail or "") for file in files.values())


@pytest.mark.parametrize("path", ["../music", "/etc", "album/../../..", "link", "link/passwd", "nothing"])
async def test_a_job_whose_path_is_no_good_fails_as_a_whole(tmp_path: Path, root: Path, path: str) -> None:
    (root / "link").symlink_to("/etc")
    job, files, _ = await ingest(tmp_path, root, path)
    assert job.state is JobState.FAILED
    assert job.error
    assert not files


async def test_names_that_are_no_plain_text(tmp_path: Path, root: Path) -> None:
    fill(root, ["new\nline.wav", "back\\slash.wav", "ümläut ☃.wav"])
    _, files, target = await ingest(tmp_path, root)
    assert set(files) == {"new\\nline.wav", "back\\\\slash.wav", "ümläut ☃.wav"}
    assert set(states(files).values()) == {FileState.STORED}
    assert {row["external_id"] for row in target.stored()} == set(files)
