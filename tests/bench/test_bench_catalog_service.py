"""The benchmark of the catalogue behind the service, at toy size."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from bench.catalog import corpus
from bench.catalog.vectors import Mixture
from bench.catalog_service import run, tracks
from bench.catalog_service.gateway import ASKS


def test_a_filter_asks_for_what_the_tracks_say(tmp_path: Path) -> None:
    corpus.prepare(tmp_path, Mixture.default(dims=16), 3000, 20)
    data = corpus.load(tmp_path)
    for kind in ("10 %", "10 % correlated", "1 %", "0.1 %"):
        wanted, asked = tracks.where(data, kind, 3), data.where(kind, 3)
        assert asked is not None
        for number in range(300):
            metadata = tracks.draft(data, number, data.vectors[number], "g").metadata
            kept = set(wanted.tags) <= set(metadata.tags) and (not wanted.artists or metadata.artist in wanted.artists)
            if wanted.year is not None:
                assert metadata.year is not None
                kept = kept and (wanted.year.low or 0) <= metadata.year <= (wanted.year.high or 0)
            assert kept == (data.row(number)[asked.column] == asked.value)


@pytest.mark.timeout(90)
def test_engine_and_service_are_measured_on_one_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    arguments = ["--size", "2200", "--queries", "10", "--rounds", "2", "--work", str(tmp_path), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["catalog-service", *arguments])
    run.main()
    result = json.loads(out.read_text())
    assert result["build"]["put"] == 2200
    assert result["engine"]["search"]["bare faiss"]["recall"] > 0.9
    assert all(one["recall"] > 0.9 for one in result["engine"]["search"].values())
    assert set(result["http"]["search"]) > {f"{name}, none" for name in ASKS}
    assert all(one["recall"] > 0.9 for one in result["http"]["search"].values())
    assert result["http"]["resident_mb"] > 0
    assert "| by track, 10 % correlated |" in capsys.readouterr().out
