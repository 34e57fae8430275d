"""The parts of bench prototype_generation: reading Mulan's format, measures, noise, the picture."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from bench.prototype_generation import run, speed, tables
from bench.prototype_generation.measures import decisions, mean_average_precision
from bench.prototype_generation.mulan import Corpus, load
from bench.prototype_generation.noise import swapped

DENSE = """@relation x
% a comment
@attribute 'a b' numeric
@attribute On {NO,YES}
@attribute "tall" {0,1}
@attribute far {0,1}
@data
1.5,YES,0,1
2.5,NO,1,0
"""
SPARSE = DENSE.split("@data", maxsplit=1)[0] + "@data\n{0 3,3 1}\n{1 YES}\n"
LABELS = '<labels xmlns="http://mulan.sourceforge.net/labels"><label name="far"/><label name="On"/></labels>'


def test_mulan_files_are_read_dense_and_sparse_with_labels_by_name(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    for name, text in (("c-train.arff", DENSE), ("c-test.arff", SPARSE), ("c.xml", LABELS)):
        (tmp_path / "c" / name).write_text(text)
    corpus = load(tmp_path, "c")
    assert corpus.x.tolist() == [[1.5, 0.0], [2.5, 1.0]]
    assert corpus.y.tolist() == [[True, True], [False, False]]
    assert corpus.test_x.tolist() == [[3.0, 0.0], [0.0, 0.0]]
    assert corpus.test_y.tolist() == [[True, False], [False, True]]
    assert corpus.scaled().test_x[:, 0].tolist() == [1.5, -1.5]


def test_measures_of_a_worked_example() -> None:
    truth = np.array([[1, 0], [1, 1], [0, 0]], dtype=bool)
    predicted = np.array([[1, 1], [0, 1], [0, 0]], dtype=bool)
    found = decisions(truth, predicted)
    assert found["hamming_loss"] == pytest.approx(2 / 6)
    assert found["exact_match"] == pytest.approx(1 / 3)
    assert found["f1_micro"] == found["f1_macro"] == pytest.approx(2 / 3)
    assert found["f1_samples"] == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)


def test_average_precision_gives_equal_scores_one_rank() -> None:
    truth = np.array([[True], [False], [True], [False]])
    assert mean_average_precision(truth, np.array([[0.9], [0.5], [0.5], [0.1]])) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert mean_average_precision(truth, np.ones((4, 1))) == 0.5
    assert mean_average_precision(truth, np.nextafter(1.0, [[0], [2], [0], [2]])) == 0.5


@pytest.mark.parametrize("share", [0.0, 0.2, 0.4])
def test_noise_touches_the_share_that_it_says_and_keeps_the_marginals(share: float) -> None:
    y = np.random.default_rng(0).random((100, 4)) < 0.4
    noisy = swapped(y, share, 1)
    assert (noisy != y).any(axis=1).sum() == pytest.approx(100 * share)
    assert noisy.sum(axis=0).tolist() == y.sum(axis=0).tolist()
    assert swapped(np.ones((9, 2), dtype=bool), share, 1).all()


def test_the_benchmark_runs_on_tag_data_and_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    np.savez(tmp_path / "t.npz", x=x, tags=(x[:, :3] > 0.5).astype(np.float32), track=np.arange(200) // 4)
    out, picture = tmp_path / "o.json", tmp_path / "p.svg"
    arguments = ["run", "--tags", str(tmp_path / "t.npz"), "--out", str(out), "--picture", str(picture)]
    monkeypatch.setattr(sys, "argv", arguments)
    run.main()
    result = json.loads(out.read_text())["t"]
    assert {row["kind"] for row in result["rows"]} == {"near", "br", "lp", "ml"}
    assert picture.read_text().startswith("<svg")


def test_the_tables_of_the_docs_are_the_published_figures() -> None:
    results = json.loads(tables.RESULTS.read_text())
    lines = (tables.RESULTS.parents[2] / "docs" / "prototype-generation.md").read_text().splitlines()
    for table in (tables.by_corpus, tables.by_method, tables.by_noise):
        found = list(table(results))
        place = lines.index(found[0])
        assert lines[place : place + len(found)] == found


def test_speed_compares_equal_prototypes(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.random((40, 3)) < 0.4
    corpus = Corpus("small", x, y, x, y)
    found = speed.against_plain(corpus, (0.1, 0.9))
    assert [(row["method"], row["rate"]) for row in found["plain"]] == [
        ("mchen", 0.1),
        ("mrsp1", 0.1),
        ("mchen", 0.9),
        ("mrsp1", 0.9),
    ]
    monkeypatch.setattr(speed, "plainly", lambda *_: np.zeros((4, 6)))
    with pytest.raises(ValueError, match="other prototypes"):
        speed.against_plain(corpus, (0.1,))


def test_speed_measures_large_corpora_in_time_and_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    x, y = speed.clusters(300, 4, 3, 5)
    monkeypatch.setattr(speed, "clusters", lambda: (x, y))
    found = speed.large(tmp_path, "any", "mchen", (0.1, 0.2))
    assert found["prototypes"] == [30, 60]
    assert found["peak_mb"] >= found["with_corpus_mb"] > 0
    assert speed.large(tmp_path, "any", "mrhc", ())["prototypes"][0] > 1
