"""Milliseconds of one correction, from the call to the line on the disk, and whether the log gives the set again."""

from __future__ import annotations

import os
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


def cost(prototypes: int, dim: int, labels: int, corrections: int, where: Path | None = None) -> dict[str, Any]:
    """Time corrections, half of known tracks and half of new ones, on a tagger at its budget."""
    random = np.random.default_rng(0)
    base = _base(random, prototypes, dim, labels)
    names = tuple(f"label{i}" for i in range(labels))
    with tempfile.TemporaryDirectory(dir=where) as scratch:
        folder = Path(scratch) / "mine"
        about = About("mine", names, "g", "entropy", prototypes + corrections // 8, 9, datetime.now(UTC))
        files.write(folder, about, base)
        began = time.perf_counter()
        tagger = Tagger(folder)
        opened_s = time.perf_counter() - began
        wall, cpu, splits = [], [], 0
        for number in range(corrections):
            said = _correction(random, number, base, names)
            began, worked = time.perf_counter(), time.thread_time()
            splits += tagger.correct(said).change.split is not None
            wall.append(1000 * (time.perf_counter() - began))
            cpu.append(1000 * (time.thread_time() - worked))
        tagger.close()
        began = time.perf_counter()
        again = Tagger(folder)
        replayed_s = time.perf_counter() - began
        same = _same(tagger, again)
        again.close()
        flushed = _flush_ms(Path(scratch))
    return {
        "prototypes": prototypes,
        "dim": dim,
        "labels": labels,
        "tracks": len(base.ids),
        "corrections": corrections,
        "splits": splits,
        "wall_ms": _spread(wall),
        "cpu_ms": _spread(cpu),
        "of_which_fsync_ms": _spread(flushed),
        "open_s": round(opened_s, 2),
        "open_and_replay_s": round(replayed_s, 2),
        "replay_equals_bit_for_bit": same,
    }


def _same(tagger: Tagger, again: Tagger) -> bool:
    """Whether two taggers hold the same numbers, to the last bit."""
    one, other = tagger.taught, again.taught
    arrays = ("vectors", "said", "sums", "counts", "centres", "offsets")
    equal = all(getattr(one, name).values.tobytes() == getattr(other, name).values.tobytes() for name in arrays)
    return equal and one.ids == other.ids and one.members == other.members and one.free == other.free


def _flush_ms(folder: Path) -> list[float]:
    """What the disk alone takes: 100 appended lines of 300 bytes, each made durable."""
    took = []
    with (folder / "lines").open("ab", buffering=0) as file:
        for _ in range(100):
            began = time.perf_counter()
            file.write(b"x" * 300)
            os.fsync(file.fileno())
            took.append(1000 * (time.perf_counter() - began))
    return took


def _spread(took: list[float]) -> dict[str, float]:
    median, high = np.percentile(took, [50, 99])
    return {"median": round(float(median), 3), "p99": round(float(high), 3), "max": round(max(took), 3)}


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
