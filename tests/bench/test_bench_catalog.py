"""The catalogue benchmark at toy size, with the engines that are installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from bench.catalog import corpus, crash, report, run, tables
from bench.catalog.engines import installed
from bench.catalog.vectors import Mixture, gaussian, unit


def test_vectors_are_of_length_one_and_clustered() -> None:
    vectors, clusters = Mixture.default().draw(2000, 1)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    near = corpus.exact(vectors, vectors[:200], 2)[:, 1]
    assert np.mean(clusters[near] == clusters[:200]) > 0.5
    assert np.linalg.norm(vectors.mean(axis=0)) == pytest.approx(0.7, abs=0.05)
    assert np.array_equal(vectors, Mixture.default().draw(2000, 1)[0])


def test_a_mixture_can_be_fitted_to_embeddings() -> None:
    given = 3 * Mixture.default(dims=20, clusters=4).draw(3000, 1)[0]
    drawn = Mixture.fit(given, clusters=4).draw(3000, 2)[0]
    assert np.cov(drawn.T) == pytest.approx(np.cov(unit(given).T), abs=0.02)


def test_the_truth_respects_the_filters(tmp_path: Path) -> None:
    corpus.prepare(tmp_path, Mixture.default(dims=16), 3000, 20)
    data = corpus.load(tmp_path)
    assert data.count == 3000
    for name in ("10 %", "10 % correlated"):
        for query, found in enumerate(data.truth[name]):
            where = data.where(name, query)
            assert where is not None
            assert set(data.columns[where.column][found]) == {where.value}
    share = np.bincount(data.columns["region"]) / len(data.vectors)
    assert share == pytest.approx(0.1, abs=0.001)
    assert corpus.recall(data.truth["none"], data.truth["none"]) == 1


def test_gaussian_vectors_have_no_structure() -> None:
    assert np.abs(np.cov(gaussian(5000, 1, dims=10)[0].T) * 10 - np.eye(10)).max() < 0.1


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["faiss-sqlite", "usearch-sqlite"])
def test_an_engine_finds_and_keeps_its_rows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not installed(name):
        pytest.skip(f"{name} is not installed")
    out = tmp_path / "out.json"
    arguments = ["--sizes", "3000", "--engines", name, "--queries", "40", "--rounds", "2", "--stages", "build", "serve"]
    monkeypatch.setattr(sys, "argv", ["catalog", *arguments, "--work", str(tmp_path), "--out", str(out)])
    monkeypatch.setattr(run, "_INSERTS", 5)
    run.main()
    row = json.loads(out.read_text())["sizes"]["3000 music-like"][name]
    assert all(report.met(row["search"][kind] | {"p99_ms": 0.0}, kind) for kind in corpus.FILTERS)
    assert row["insert"]["missed"] == 0
    assert f"| {name} |" in capsys.readouterr().out

    folder = tmp_path / "crash"
    corpus.prepare(folder, Mixture.default(dims=16), 3000, 20)
    found = crash.torture(name, folder, 1, seed=1)
    assert found["acknowledged"] > 0
    assert found["lost"] == found["unfound"] == found["twice"] == found["not_started"] == 0


def test_tables_of_the_document_are_those_of_the_results() -> None:
    def row(ms: float, recall: float) -> dict[str, float]:
        return {"recall": recall, "p50_ms": ms, "p99_ms": 2 * ms}

    mine = {"build": {"rows": 1000, "cpu_s": 2.0, "disk_mb": 7.0}, "start_s": 0.5, "resident_mb": 8.0}
    mine |= {"insert": {"p50_ms": 1, "p99_ms": 20}, "search": {"none": row(3, 0.98764), "10 %": row(30, 0.9999)}}
    rows = {"usearch-sqlite": mine, "bare-usearch": {"search": {"none": row(2, 1)}}, "load_before": 1}
    document = (
        "<!-- searches: 1000 -->\n| old |\n\ntext\n<!-- ratios: 1000 -->\n<!-- costs: 1000 -->\n| a |\n| b |\nend\n"
    )
    written = tables.rewritten(document, {"sizes": {"1000 music-like": rows}})
    assert (
        "| usearch + SQLite | .988; 3.00 / 6.00 | 1; 30 / 60 |  |  |  |\n| usearch alone | 1; 2.00 / 4.00 |" in written
    )
    assert "| usearch + SQLite | 1.50 / 1.50 |" in written
    assert "| usearch + SQLite |  | 500 | 1.00 / 20 | 0.5 | 7 | 8 |\nend\n" in written
    assert "old" not in written
    assert "text" in written
    assert tables.rewritten(written, {"sizes": {"1000 music-like": rows}}) == written
