"""Small taggers for tests: clusters on the sphere, each with its own labels."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from sonotype.catalog.taggers import folder as files
from sonotype.catalog.taggers.fitting import fit, parts_of
from sonotype.catalog.taggers.tagger import Correction, Tagger
from sonotype.catalog.taggers.taught import TaughtSet
from sonotype.catalog.taggers.values import About, Base, Said
from sonotype.core.types import Floats

LABELS = ("rock", "calm", "vocal")
GENERATION = "net@1.pool.0123456789ab"
WHEN = datetime(2026, 11, 23, 12, tzinfo=UTC)


def unit(x: np.ndarray) -> Floats:
    return np.asarray(x / np.linalg.norm(x, axis=-1, keepdims=True), dtype=np.float32)


def corpus(n: int, dim: int = 8, seed: int = 0, groups: int = 6) -> tuple[Floats, Said]:
    """Vectors around some centres, and labels that go with the centres."""
    random = np.random.default_rng(seed)
    group = np.arange(n) % groups
    x = unit(random.normal(size=(groups, dim))[group] + 0.3 * random.normal(size=(n, dim)))
    bits = (group[:, None] + 1) >> np.arange(len(LABELS)) & 1
    return x, np.where(bits > 0, 1, -1).astype(np.int8)


def base(n: int = 60, budget: float = 8, seed: int = 0, dim: int = 8) -> Base:
    x, said = corpus(n, dim, seed)
    return fit([f"t{i}" for i in range(n)], x, said, "entropy", budget)


def about(name: str = "mine", budget: float = 8, n: int = 60) -> About:
    return About(name, LABELS, GENERATION, "entropy", parts_of(budget, n), 3, WHEN)


def tagger(folder: Path, n: int = 60, budget: float = 8, seed: int = 0) -> Tagger:
    files.write(folder, about(budget=budget, n=n), base(n, budget, seed))
    return Tagger(folder)


def correction(number: int, seed: int = 0, **changes: object) -> Correction:
    """The same for the same number: half of them about tracks that the tagger does not know yet."""
    random = np.random.default_rng([seed, number])
    known = random.random() < 0.5
    track = f"t{random.integers(60)}" if known else f"new{random.integers(40)}"
    vector = None if known else unit(np.random.default_rng(int(track[3:]) + 1000).normal(size=8))
    label = LABELS[random.integers(len(LABELS))]
    values: dict[str, object] = {"positive": bool(random.random() < 0.5), "vector": vector}
    return Correction(track, label, **values | changes)  # type: ignore[arg-type]


def bits(taught: TaughtSet) -> list[object]:
    """Everything that the state of a set is, bit for bit."""
    arrays = (taught.vectors, taught.said, taught.sums, taught.counts, taught.centres, taught.offsets)
    lists = deepcopy([taught.ids, taught.members, taught.part_of, taught.free, taught.siblings.pairs()])
    return [*lists, taught.totals.tobytes(), *(rows.values.tobytes() for rows in arrays)]
