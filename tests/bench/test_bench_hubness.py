"""The measures of the hubness benchmark."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from bench.hubness import contenders, knobs
from bench.hubness.corpus import Corpus, control, load
from bench.hubness.measures import WHOLE, agreement, hubness, neighbours
from bench.hubness.picture import draw
from bench.hubness.run import measure

from sonotype.catalog.ranking.hubness import log_mutual_proximity, statistics


@pytest.fixture(scope="module")
def noise() -> Corpus:
    vectors = control(600, 64).vectors
    group = np.arange(600) % 3
    return Corpus("noise", vectors, labels=(group % 2).astype(str), apart=group.astype(str))


def test_k_occurrence_is_counted() -> None:
    found = hubness(np.array([[1, 2], [2, 0], [0, 1], [0, 1]]))
    assert found["orphans"] == 0.25
    assert found["largest_hub"] == 0.75
    off = np.array([3, 3, 2, 0]) - 2.0
    assert found["skewness"] == pytest.approx((off**3).mean() / (off**2).mean() ** 1.5)


def test_neighbours_are_those_of_the_largest_cosines(noise: Corpus) -> None:
    cosines = noise.vectors @ noise.vectors.T
    np.fill_diagonal(cosines, -np.inf)
    lists = neighbours(noise, [contenders.cosine()], [WHOLE, 20], 5, apart=False)
    expected = np.argsort(-cosines, axis=1)[:, :5]
    np.testing.assert_array_equal(lists[0, WHOLE], expected)
    np.testing.assert_array_equal(lists[0, 20], expected)


def test_tracks_that_are_kept_apart_are_never_neighbours(noise: Corpus) -> None:
    field = [contenders.cosine(), contenders.mutual_proximity(noise.vectors, 200, 0)]
    assert noise.apart is not None
    for lists in neighbours(noise, field, [WHOLE, 20], 5, apart=True).values():
        assert (noise.apart[lists] != noise.apart[:, None]).all()
    assert agreement(lists, noise) is not None


def test_mutual_proximity_is_that_of_the_service(noise: Corpus) -> None:
    chosen = noise.vectors[np.random.default_rng(0).choice(600, 200, replace=False)]
    mean, std = statistics(noise.vectors, chosen)
    cosines = noise.vectors[:7] @ noise.vectors.T
    ours = log_mutual_proximity(cosines, mean[:7, None], std[:7, None], mean, std)
    contender = contenders.mutual_proximity(noise.vectors, 200, 0)
    theirs = contender.score(np.arange(7), cosines, np.arange(600)[None, :])
    np.testing.assert_allclose(theirs, ours, rtol=2e-3, atol=1e-5)


def test_every_correction_helps_where_there_are_hubs(noise: Corpus) -> None:
    rows = {(row["name"], row["sample"], row["over_fetch"]): row for row in measure(noise, 5)}
    raw = rows["cosine", 0, 0]["skewness"]
    assert raw > 2
    for name in ("centred cosine", "mutual proximity", "local scaling (NICDM)"):
        assert rows[name, 600, 0]["skewness"] < 0.6 * raw
    assert rows["mutual proximity", 512, 10]["orphans"] < rows["cosine", 0, 0]["orphans"]
    picture = ElementTree.fromstring(draw({"noise": {"tracks": 600, "rows": list(rows.values())}}))  # noqa: S314
    assert len(picture.findall(".//{*}polyline")) == 2


def test_the_knobs_turn(noise: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knobs, "QUERIES", 12)
    rows = list(knobs.diversity(noise))
    assert [row["within"] for row in rows] == sorted((row["within"] for row in rows), reverse=True)
    steps = list(knobs.negative(noise))
    assert [row["weight"] for row in steps] == list(knobs.NEGATIVE)
    assert all(0 <= row["wanted"] + row["unwanted"] <= 1 for row in steps)


def test_a_track_is_the_mean_of_its_patches(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", example=[2, 0, 2], penultimate=np.array([[2, 0], [0, 3], [0, 2]], np.float32))
    (tmp_path / "m.csv").write_text("labels,source\na,x\nb,x\nc,y\n")
    corpus = load(tmp_path / "m.npz", "penultimate", tmp_path / "m.csv", "labels", "source")
    np.testing.assert_allclose(corpus.vectors, [[0, 1], [0.5**0.5, 0.5**0.5]], atol=1e-6)
    assert (corpus.name, corpus.labels.tolist(), corpus.apart.tolist()) == ("m@penultimate", ["a", "c"], ["x", "y"])
