"""Peak memory does not depend on the length of a clip (case 30), with the real network in the real workers."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from harness import serve, tone


def peak_mb(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


@pytest.mark.weights
def test_a_long_clip_needs_no_more_worker_memory_than_a_short_one(tmp_path: Path) -> None:
    settings = {"models": "musicnn-msd", "devices": "cpu:1", "default_model": "musicnn-msd"}
    with serve(tmp_path, **settings) as service:
        service.wait_ready(90)
        (worker,) = service.worker_pids()
        peaks = []
        for seconds in (30, 23 * 60):
            answer = httpx.post(f"{service.url}/v1/tags", content=tone(seconds), timeout=100)
            assert answer.status_code == 200, answer.text
            assert answer.json()["results"][0]["patches"]["count"] == int((seconds * 16000 // 256 + 1) // 187)
            peaks.append(peak_mb(worker))
    assert peaks[1] < 1.1 * peaks[0]
