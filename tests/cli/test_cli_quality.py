"""Qualities and the ends of clips on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import tone
from quality_kit import grid_card, write_grid_model
from sonotype.cli.model_views import _facts
from sonotype.cli.report import Format, write_report


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "SONOTYPE_MODEL_PATH": str(folder / "models"),
        "SONOTYPE_MODELS": "grid",
        "SONOTYPE_DATA_DIR": str(folder / "data"),
        "SONOTYPE_DEVICES": "cpu:1",
    }
    command = [sys.executable, "-m", "sonotype", "analyze", str(folder / "one.wav"), *arguments]
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=100)


def test_the_answer_says_what_was_left_out_and_how_the_end_was_heard(tmp_path: Path) -> None:
    write_grid_model(tmp_path / "models")
    (tmp_path / "one.wav").write_bytes(tone(1.5))
    asked = ("--model", "grid", "--quality", "fast", "--patchout-time", "1", "--patchout-seed", "3")
    done = run(tmp_path, *asked, "--format", "json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)[0]["results"]
    assert result["quality"] == "fast"
    assert result["patchout"] == {"time_every": 4, "freq_every": 1, "time_drop": 1, "freq_drop": 0, "seed": 3}
    assert (result["patches"]["tail"], result["patches"]["dropped_s"]) == ("align", 0.0)
    assert result["patches"]["overlap_s"] > 0.4


def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, **changes: Any) -> str:
    monkeypatch.setenv("COLUMNS", "200")
    clip = {"format": "wav", "duration_s": 8.0, "sample_rate_hz": 16000, "channels": 1}
    patches = {"count": 2, "length_s": 5.06, "dropped_s": 0.0, "overlap_s": 0.0}
    result = {"model": "grid@1", "precision": "fp32", "cached": False, "task": "multilabel"}
    result |= {"quality": "full", "patchout": None}
    body = {
        "clip": clip | dict.fromkeys(("truncated", "clipped", "silent"), False),
        "results": [result | {"patches": patches | changes.pop("patches", {}), "tags": []} | changes],
    }
    write_report(Format.TABLE, [(Path("one.wav"), body)])
    return capsys.readouterr().out


def test_the_table_mentions_only_what_is_not_usual(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "grid@1, fp32: 2 patches of 5.06 s, 0.0 s at the end not used\n" in shown(capsys, monkeypatch)
    assert "grid@1, fp32, fast: " in shown(capsys, monkeypatch, quality="fast", patchout={})
    assert "grid@1, fp32, with patchout: " in shown(capsys, monkeypatch, patchout={"time_drop": 1})
    assert "the last shares 2.1 s with the one before" in shown(capsys, monkeypatch, patches={"overlap_s": 2.12})


def test_a_model_says_what_its_qualities_cost() -> None:
    facts = dict(_facts(grid_card(), None))
    assert facts["quality full"] == "100% of the cost of full"
    assert facts["quality fast"] == "35% of the cost of full"
    assert facts["patch"] == "100 frames, hop 100, tail align, short native"
