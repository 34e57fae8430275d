"""Milliseconds of one correction, from the call to the line on the disk."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from sonotype.catalog.taggers import folder as files
from sonotype.catalog.taggers.siblings import grow
from sonotype.catalog.taggers.tagger import Correction, Tagger
from sonotype.catalog.taggers.values import About, Base


def cost(prototypes: int, dim: int, labels: int, corrections: int, where: Path | None) -> dict[str, Any]:
    """Time corrections, half of known tracks and half of new ones, on a tagger at its budget."""
    random = np.random.default_rng(0)
    base = _base(random, prototypes, dim, labels)
    names = tuple(f"label{i}" for i in range(labels))
    with tempfile.TemporaryDirectory(dir=where) as scratch:
        folder = Path(scratch) / "mine"
        files.write(
            folder, About("mine", names, "g", "entropy", prototypes + corrections // 8, 9, datetime.now(UTC)), base
        )
        began = time.perf_counter()
        tagger = Tagger(folder)
        opened_s = time.perf_counter() - began
        took, splits = [], 0
        for number in range(corrections):
            said = _correction(random, number, base, names)
            began = time.perf_counter()
            splits += tagger.correct(said).change.split is not None
            took.append(1000 * (time.perf_counter() - began))
        tagger.close()
        began = time.perf_counter()
        Tagger(folder).close()
        replayed_s = time.perf_counter() - began
    low, high = np.percentile(took, [50, 99])
    return {
        "prototypes": prototypes,
        "dim": dim,
        "labels": labels,
        "tracks": len(base.ids),
        "splits": splits,
        "median_ms": round(float(low), 3),
        "p99_ms": round(float(high), 3),
        "max_ms": round(max(took), 3),
        "open_s": round(opened_s, 2),
        "open_and_replay_s": round(replayed_s, 2),
    }


def _base(random: np.random.Generator, prototypes: int, dim: int, labels: int) -> Base:
    """Ten tracks around each prototype; the fit itself is not what is timed."""
    centres = random.normal(size=(prototypes, dim))
    part_of = np.repeat(np.arange(prototypes), 10)
    x = centres[part_of] + 0.5 * random.normal(size=(len(part_of), dim))
    vectors = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    share = random.random((prototypes, labels)) ** 4
    said = np.where(random.random((len(part_of), labels)) < share[part_of], 1, -1).astype(np.int8)
    splits, leaves = grow(centres)
    return Base(tuple(f"t{i}" for i in range(len(part_of))), vectors, said, part_of, splits, leaves)


def _correction(random: np.random.Generator, number: int, base: Base, names: tuple[str, ...]) -> Correction:
    label, positive = names[random.integers(len(names))], bool(random.random() < 0.5)
    if number % 2:
        return Correction(base.ids[random.integers(len(base.ids))], label, positive)
    near = base.vectors[random.integers(len(base.ids))] + 0.05 * random.normal(size=base.vectors.shape[1])
    vector = (near / np.linalg.norm(near)).astype(np.float32)
    return Correction(f"new{number}", label, positive, vector)
