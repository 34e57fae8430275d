"""The benchmark of engines: turns and agreement of a small network, verdicts, the table on a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from bench.engines import report
from bench.engines.contenders import contenders
from bench.engines.measure import Row, measure
from bench.engines.run import CLIPS
from bench.engines.subjects import random_maest

TINY = {"columns": 31, "width": 48, "depth": 1, "heads": 3, "blocks": [1]}


def test_every_engine_takes_its_turn_and_is_held_against_torch(tmp_path: Path) -> None:
    subject = random_maest("tiny", TINY, tmp_path)
    found = contenders(subject)
    rows = measure(subject, found, sorted(CLIPS.glob("*.mp3"))[:1], 1)
    assert [row["contender"] for row in rows] == [one.name for one in found]
    assert {"torch fp32", "openvino fp32", "onnxruntime fp32"} <= {row["contender"] for row in rows}
    first = rows[0]
    assert (first["to_peer"], first["gate"], first["music"], first["agrees"]) == (1.0, 0.0, 0.0, True)
    for row in rows:
        limit = 1e-4 if row["contender"].endswith("fp32") else 0.05
        assert row["ms"] > 0
        assert max(row["gate"], row["music"]) < limit, row
    best = [row for row in rows if row["chosen"]]
    assert len(best) == 1
    assert best[0]["ms"] == min(row["ms"] for row in rows if row["agrees"])


def test_random_weights_spread_the_scores(tmp_path: Path) -> None:
    runtime = contenders(random_maest("tiny", TINY, tmp_path))[0].runtime
    card = runtime.card
    windows = np.zeros((1, card.mel_frontends["essentia"].window_samples(card.patch.frames)), np.float32)
    tags = runtime.run(windows, np.array([card.patch.frames]), "repeat", "essentia").arrays["tags"]
    assert tags.min() < 0.4
    assert tags.max() > 0.6


def make_row(contender: str, **values: object) -> Row:
    row: Row = {"model": "m", "contender": contender, "ms": 12.345, "to_peer": 2.0, "load_s": 0.5, "gate": 1e-3}
    row |= {"gate_top": True, "music": 2e-3, "music_mean": 1e-4, "music_top": 6, "agrees": True, "chosen": False}
    return row | values


def test_a_choice_that_is_slow_or_far_off_is_named() -> None:
    good = make_row("openvino bf16", chosen=True)
    assert report.broken([good, make_row("torch bf16", music=0.1)]) == []  # not chosen: no promise
    assert report.broken([good | {"music": 6e-3}]) == ["m, openvino bf16"]
    assert report.broken([good | {"to_peer": 0.9}]) == ["m, openvino bf16"]
    assert report.broken([make_row("openvino fp32", chosen=True)]) == ["m, openvino fp32"]


def test_the_table_replaces_the_one_on_the_page() -> None:
    result = {"rows": [make_row("torch fp32"), make_row("openvino bf16", chosen=True)], "clips": 6, "rounds": 3}
    result |= {"load": 0.5, "versions": {"torch": "2.0"}, "machine": {"cores": 2, "cpu": "a CPU"}}
    text = report.markdown(result)
    page = f"# Engines\n\n{report.BEGIN}\n\nold\n\n{report.END}\n\nafter\n"
    new = report.placed(page, text)
    assert "old" not in new
    assert new.startswith("# Engines\n")
    assert new.endswith("\nafter\n")
    assert report.placed(new, text) == new
    lines = text.splitlines()
    assert {line.count("|") for line in lines[:4]} == {11}
    assert lines[5] == "2 cores of a CPU; rounds: 3, clips of music: 6, load at the start: 0.5; torch 2.0."
    assert lines[2].startswith("| m | torch fp32 | 12.3 |")
    assert "**openvino bf16**" in lines[3]
    with pytest.raises(ValueError, match="needs the lines"):
        report.placed("# Engines\n", text)
