"""Bulk ingest survives `kill -9`: the gateway is killed twice, and every file is in the catalogue once."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_kills import FAKE, as_a_job, check_once, external_ids, in_process

from harness import tone

COUNT = 60
NAMES = [f"album {number % 5}/{number:02}.wav" for number in range(COUNT)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    for number, name in enumerate(NAMES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(tone(0.5, number))
    return folder


@pytest.mark.chaos
def test_killed_in_process(tmp_path: Path, root: Path) -> None:
    answer = in_process(root, tmp_path, (15, 35), 1, FAKE)
    check_once(answer["files"], NAMES)
    assert answer["job"]["state"] == "completed"
    assert "going on" in answer["stderr"]
    assert external_ids(tmp_path / "data") == dict.fromkeys(NAMES, 1)


@pytest.mark.chaos
def test_killed_as_a_job_of_the_service(tmp_path: Path, root: Path) -> None:
    job = as_a_job(root, tmp_path, (15, 35), 2, FAKE)
    check_once(job["files"], NAMES)
    assert (job["state"], job["total"]) == ("completed", COUNT)
    assert sorted(track["metadata"]["external_id"] for track in job["tracks"]) == sorted(NAMES)
    assert {track["source"] for track in job["tracks"]} == set(NAMES)
