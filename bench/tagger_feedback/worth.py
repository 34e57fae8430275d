"""Accuracy after 200 corrections beside that of a tagger fitted again to all that is known by then."""

from __future__ import annotations

import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from sonotype.catalog.taggers import folder as files
from sonotype.catalog.taggers.answering import Answering
from sonotype.catalog.taggers.fitting import fit, parts_of
from sonotype.catalog.taggers.reporting import mean_average_precision
from sonotype.catalog.taggers.tagger import Correction, Tagger
from sonotype.catalog.taggers.taught import TaughtSet
from sonotype.catalog.taggers.values import About

CORRECTIONS = 200
_K = 5


def worth(folder: Path, name: str, budget: float, seed: int) -> dict[str, Any]:
    """Spoil a fifth of the labels of a corpus, mend 200 of them by feedback, and compare on the test files."""
    labels = re.findall(r'<label name="([^"]+)"', (folder / f"{name}.xml").read_text())
    x, truth = _read(folder / f"{name}-train.arff", labels)
    x_test, y_test = _read(folder / f"{name}-test.arff", labels)
    middle, width = x.mean(axis=0), x.std(axis=0) + 1e-9
    train, test = _unit((x - middle) / width), _unit((x_test - middle) / width)
    random = np.random.default_rng(seed)
    spoilt = np.where(random.random(truth.shape) < 0.2, -truth, truth).astype(np.int8)
    ids = [f"t{i}" for i in range(len(train))]
    base = fit(ids, train, spoilt, "entropy", budget)
    n = parts_of(budget, len(ids))
    about = About("mine", tuple(labels), "g", "entropy", n, _K, datetime.now(UTC))
    wrong = np.argwhere(spoilt != truth)
    mended = spoilt.copy()
    with tempfile.TemporaryDirectory() as scratch:
        files.write(Path(scratch) / "mine", about, base)
        tagger = Tagger(Path(scratch) / "mine")
        before = _precision(tagger.taught, test, y_test)
        changes = 0
        for row, column in random.permutation(wrong)[:CORRECTIONS]:
            mended[row, column] = truth[row, column]
            said = Correction(ids[row], labels[column], bool(truth[row, column] > 0))
            changes += tagger.correct(said).change.split is not None
        after = _precision(tagger.taught, test, y_test)
        tagger.close()
    again = _precision(TaughtSet(fit(ids, train, mended, "entropy", budget)), test, y_test)
    return {
        "corpus": name,
        "seed": seed,
        "prototypes": n,
        "splits": changes,
        "map_before": round(before, 4),
        "map_after": round(after, 4),
        "map_refit": round(again, 4),
    }


def _precision(taught: TaughtSet, x: np.ndarray, truth: np.ndarray) -> float:
    answering = Answering(taught, _K)
    return mean_average_precision(truth, np.stack([answering.hear(row).scores for row in x])) or 0.0


def _unit(x: np.ndarray) -> np.ndarray:
    return (x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-12)).astype(np.float32)


def _read(path: Path, labels: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels (1, -1) of a dense ARFF file."""
    names, rows = [], []
    for line in path.read_text().splitlines():
        if line.lower().startswith("@attribute"):
            names.append(line.split(None, 2)[1].strip("'\""))
        elif line.strip() and line[0] not in "@%":
            rows.append([float(value) for value in line.split(",")])
    data = np.array(rows)
    columns = [names.index(label) for label in labels]
    others = [place for place in range(len(names)) if place not in set(columns)]
    return data[:, others], np.where(data[:, columns] > 0, 1, -1).astype(np.int8)
