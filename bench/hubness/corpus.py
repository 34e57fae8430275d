"""Embeddings of a corpus, one per track, with what is known of them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Texts = NDArray[np.str_]


@dataclass(frozen=True)
class Corpus:
    """n tracks.

    Attributes:
        name: of the embedding.
        vectors: unit length, shape `[n, D]`.
        labels: what neighbours should agree on, shape `[n]`; None where nothing is known.
        apart: tracks that share this are never neighbours in the filtered lists (collection, artist), shape `[n]`.
    """

    name: str
    vectors: Floats
    labels: Texts | None = None
    apart: Texts | None = None


def load(path: Path, key: str, manifest: Path | None, label: str, apart: str) -> Corpus:
    """Read an NPZ of patches; `example` is the row of the manifest that each belongs to. A track is its mean."""
    with np.load(path) as archive:
        example, rows = archive["example"], archive[key].astype(np.float64)
    used, track = np.unique(example, return_inverse=True)
    total = np.zeros((len(used), rows.shape[1]))
    np.add.at(total, track, rows)
    vectors = total / np.linalg.norm(total, axis=1, keepdims=True)
    name = f"{path.stem}@{key}"
    if manifest is None:
        return Corpus(name, vectors.astype(np.float32))
    with manifest.open(newline="") as file:
        lines = list(csv.DictReader(file))
    columns = [np.array([lines[int(row)][column] for row in used]) for column in (label, apart)]
    return Corpus(name, vectors.astype(np.float32), *columns)


def control(tracks: int = 5760, dim: int = 200, seed: int = 0) -> Corpus:
    """Normal noise off the origin, its mean at 0.71 of the unit sphere: a hubby space on which corrections must work.

    The tracks nearest to the mean become the hubs (Radovanović et al. 2010, section 4; Suzuki et al. 2013).
    """
    vectors = np.random.default_rng(seed).standard_normal((tracks, dim)) + 1.0
    return Corpus("noise off the centre", (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32))
