"""Candidates and tracks for the tests of ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from hypothesis import strategies as st

from sonotype.catalog.port import Candidates
from sonotype.catalog.ranking.hubness import statistics
from sonotype.catalog.track import Metadata, Track, TrackEvidence, TrackLabel
from sonotype.core.types import Floats

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def units(count: int, dim: int = 8, seed: int = 0) -> Floats:
    """Unit vectors off the middle, as embeddings are: shape [count, dim]."""
    rows = np.random.default_rng(seed).standard_normal((count, dim)) + 0.4
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def candidates(
    vectors: Floats,
    query: Floats,
    *,
    artist: Sequence[int] | None = None,
    album: Sequence[int] | None = None,
    recording: Sequence[Sequence[int]] | None = None,
    sample: Floats | None = None,
    ids: Sequence[str] | None = None,
) -> Candidates:
    """All rows as candidates of a query, most similar first, as an engine gives them."""
    n = len(vectors)
    similarity = vectors @ query
    mean, std = statistics(vectors, vectors[:0] if sample is None else sample)
    found = Candidates(
        tuple(ids or (f"t{row:03d}" for row in range(n))),
        similarity.astype(np.float32),
        vectors,
        np.array(artist if artist is not None else [0] * n, np.uint64),
        np.array(album if album is not None else [0] * n, np.uint64),
        np.array(recording if recording is not None else [[0, 0, 0]] * n, np.uint64).reshape(n, 3),
        mean,
        std,
    )
    return pick(found, np.argsort(-similarity, kind="stable"))


def pick(of: Candidates, rows: np.ndarray) -> Candidates:
    """Some rows, in any order."""
    return Candidates(
        tuple(of.ids[row] for row in rows),
        of.similarity[rows],
        of.vectors[rows],
        of.artist[rows],
        of.album[rows],
        of.recording[rows],
        of.neighbour_mean[rows],
        of.neighbour_std[rows],
    )


@st.composite
def crowds(draw: st.DrawFn) -> tuple[Candidates, Floats, Floats]:
    """Candidates with few artists, albums and recordings, the query, and a sample."""
    n, seed = draw(st.integers(1, 40)), draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    every = units(n + 101, seed=seed)
    artist, album = rng.integers(0, 5, n), rng.integers(0, 8, n)
    recording = rng.integers(0, 12, (n, 3)) * (rng.random((n, 3)) < 0.4)
    sample = every[n + 1 :] if draw(st.booleans()) else every[:0]
    found = candidates(
        every[:n],
        every[n],
        artist=artist.tolist(),
        album=album.tolist(),
        recording=recording.tolist(),
        sample=np.tile(sample, (2, 1)),
    )
    return found, every[n], np.tile(sample, (2, 1))


def track(
    name: str = "a",
    *,
    labels: Sequence[tuple[str, float]] = (),
    evidence: Sequence[tuple[str, str, float]] = (),
    content_sha256: str | None = None,
    **metadata: object,
) -> Track:
    """A track of the catalogue; `labels` are (label, score), `evidence` (prototype, label, share)."""
    return Track(
        name,
        replace(Metadata(), **metadata),
        content_sha256,
        tuple(TrackLabel("m@1", label, score) for label, score in labels),
        tuple(TrackEvidence("p@1", prototype, label, share) for prototype, label, share in evidence),
        ("g",),
        None,
        NOW,
        NOW,
    )
