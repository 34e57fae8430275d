"""Accuracy after 200 corrections beside fitting again, and beside peers that learn from the same corrections."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench.prototype_generation.mulan import Corpus
from bench.tagger_feedback import peers
from sonotype.catalog.taggers import folder as files
from sonotype.catalog.taggers.answering import Answering
from sonotype.catalog.taggers.fitting import fit, parts_of
from sonotype.catalog.taggers.reporting import mean_average_precision
from sonotype.catalog.taggers.tagger import Correction, Tagger
from sonotype.catalog.taggers.taught import TaughtSet
from sonotype.catalog.taggers.values import About
from sonotype.models.multilabel.knn import adapted_k

CORRECTIONS = 200
SPOILT = 0.2
MOST_TRACKS, MOST_TEST = 600, 1500


@dataclass(frozen=True, slots=True)
class Case:
    """What is known at first, what is true, and which corrections come: rows of (track, label).

    The first `n` tracks are known, with a part of their labels spoilt; nothing is known of the others.
    """

    x: np.ndarray
    truth: np.ndarray
    said: np.ndarray
    n: int
    corrections: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray

    @property
    def learnt(self) -> np.ndarray:
        """What is known in the end."""
        known = self.said.copy()
        rows, columns = self.corrections.T
        known[rows, columns] = self.truth[rows, columns]
        return known

    @property
    def touched(self) -> np.ndarray:
        """Tracks that something is known of in the end."""
        return np.flatnonzero((self.learnt != 0).any(axis=1))


def case(corpus: Corpus, seed: int) -> Case:
    """A few hundred tracks with a fifth of their labels wrong, and as many again that nobody has tagged.

    Half of the corrections mend a wrong label, the others say what is true of an untagged track: of each label of it
    as often as not.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(corpus.x))[: 2 * MOST_TRACKS]
    n = min(MOST_TRACKS, len(order) * 3 // 4)
    middle, width = corpus.x[order[:n]].mean(axis=0), corpus.x[order[:n]].std(axis=0) + 1e-9
    truth = np.where(corpus.y[order], 1, -1).astype(np.int8)
    said = np.where(random.random(truth.shape) < SPOILT, -truth, truth).astype(np.int8)
    said[n:] = 0
    wrong = random.permutation(np.argwhere((said != truth) & (said != 0)))[: CORRECTIONS // 2]
    rows = n + random.integers(len(order) - n, size=CORRECTIONS - len(wrong))
    news = np.stack([rows, [_label(random, truth[row]) for row in rows]], axis=1)
    news = np.unique(news, axis=0)
    test = random.permutation(len(corpus.test_x))[:MOST_TEST]
    return Case(
        _unit((corpus.x[order] - middle) / width),
        truth,
        said,
        n,
        random.permutation(np.concatenate([wrong, news])),
        _unit((corpus.test_x[test] - middle) / width),
        np.where(corpus.test_y[test], 1, -1).astype(np.int8),
    )


def worth(corpus: Corpus, budget: float, seed: int) -> dict[str, Any]:
    """Mean average precision on tracks apart: before, after, fitted again, and of peers."""
    given = case(corpus, seed)
    ids, labels = [f"t{i}" for i in range(len(given.x))], tuple(f"l{i}" for i in range(given.truth.shape[1]))
    base = fit(ids[: given.n], given.x[: given.n], given.said[: given.n], "entropy", budget)
    size = parts_of(budget, given.n)
    about = About("mine", labels, "g", "entropy", size, adapted_k(size), datetime.now(UTC))
    with tempfile.TemporaryDirectory() as scratch:
        files.write(Path(scratch) / "mine", about, base)
        tagger = Tagger(Path(scratch) / "mine")
        before, took = _precision(tagger.taught, about.k, given), []
        for row, column in given.corrections:
            vector = None if tagger.knows(ids[row]) else given.x[row]
            said = Correction(ids[row], labels[column], bool(given.truth[row, column] > 0), vector)
            began = time.perf_counter()
            tagger.correct(said)
            took.append(1000 * (time.perf_counter() - began))
        after = _precision(tagger.taught, about.k, given)
        tagger.close()
    began = time.perf_counter()
    held = given.touched
    again = fit([ids[row] for row in held], given.x[held], given.learnt[held], "entropy", size)
    refit_ms = 1000 * (time.perf_counter() - began)
    return {
        "corpus": corpus.name,
        "seed": seed,
        "tracks": given.n,
        "labels": len(labels),
        "prototypes": size,
        "corrections": len(given.corrections),
        "map_before": round(before, 4),
        "map_after": round(after, 4),
        "map_refit": round(_precision(TaughtSet(again), about.k, given), 4),
        "correction_ms": round(float(np.median(took)), 3),
        "refit_ms": round(refit_ms, 1),
        "peers": [peers.all_points(given), peers.linear(given)],
    }


def _label(random: np.random.Generator, truth: np.ndarray) -> int:
    carried = np.flatnonzero(truth > 0)
    if len(carried) and random.random() < 0.5:
        return int(random.choice(carried))
    return int(random.integers(len(truth)))


def _precision(taught: TaughtSet, k: int, given: Case) -> float:
    answering = Answering(taught, k)
    scores = np.stack([answering.hear(row).scores for row in given.test_x])
    return mean_average_precision(given.test_y, scores) or 0.0


def _unit(x: np.ndarray) -> np.ndarray:
    return (x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-12)).astype(np.float32)
