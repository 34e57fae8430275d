"""What every engine is given: rows with metadata, held-out queries, and the exact answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.catalog.engines.port import COLUMNS, Where
from bench.catalog.vectors import Floats, Mixture, gaussian

K = 10
FRESH = 4_000  # rows held back for single inserts
# filter to the column it asks; all but `region` know nothing of the vectors
FILTERS = {"none": None, "10 %": "tenth", "10 % correlated": "region", "1 %": "hundredth", "0.1 %": "thousandth"}
_SHARES = {"tenth": 10, "hundredth": 100, "thousandth": 1000}
_QUERIES_AT_ONCE = 50


@dataclass(frozen=True)
class Corpus:
    """Rows `0 … count-1` to build from, `FRESH` more to insert one by one, and queries.

    Attributes:
        vectors: of length 1, those held back included. Shape `[count + FRESH, D]`; a file seen through memory.
        columns: of metadata, by name. Each of shape `[count + FRESH]`.
        queries: of length 1, from the same distribution. Shape `[Q, D]`.
        asked: the value that query q filters by, by column. Each of shape `[Q]`.
        truth: the exact answers, by filter. Each of shape `[Q, K]`.
    """

    vectors: Floats
    columns: dict[str, NDArray[np.int32]]
    queries: Floats
    asked: dict[str, NDArray[np.int32]]
    truth: dict[str, NDArray[np.int64]]

    @property
    def count(self) -> int:
        """Rows to build from."""
        return len(self.vectors) - FRESH

    def where(self, name: str, query: int) -> Where | None:
        """The filter of a query."""
        column = FILTERS[name]
        return None if column is None else Where(column, int(self.asked[column][query]))

    def answers(self, name: str, begin: int, end: int, held: int) -> NDArray[np.int64]:
        """The exact answers to some queries when the catalogue holds the first `held` rows, inserted ones included."""
        found = self.truth[name][begin:end].copy()
        for query in range(begin, end if held > self.count else begin):
            where, rows = self.where(name, query), np.arange(self.count, held)
            if where is not None:
                rows = rows[self.columns[where.column][rows] == where.value]
            rows = np.concatenate([found[query - begin], rows])
            rows = rows[rows >= 0]
            best = np.argsort(-(self.vectors[rows] @ self.queries[query]))[:K]
            found[query - begin, : len(best)] = rows[best]
        return found

    def row(self, number: int) -> dict[str, int]:
        """The metadata of one row."""
        return {name: int(values[number]) for name, values in self.columns.items()}


def prepare(folder: Path, mixture: Mixture | None, count: int, queries: int) -> None:
    """Make a corpus and its exact answers, unless the folder has them; without a mixture, independent normal ones."""
    if (folder / "truth.npz").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    draw = gaussian if mixture is None else mixture.draw
    vectors, clusters = map(np.concatenate, zip(draw(count, 1), draw(FRESH, 4), strict=True))
    asking = draw(queries, 2)[0]
    rng = np.random.default_rng(3)
    columns = {name: rng.integers(0, share, count + FRESH).astype(np.int32) for name, share in _SHARES.items()}
    columns["region"] = _regions(clusters, rng)
    asked = {name: rng.integers(0, _SHARES.get(name, 10), queries).astype(np.int32) for name in COLUMNS}
    np.save(folder / "vectors.npy", vectors)
    np.savez(folder / "columns.npz", **columns)
    np.savez(folder / "queries.npz", vectors=asking, **asked)
    rows = vectors[:count]
    truth = {}
    for name, column in FILTERS.items():
        if column is None:
            truth[name] = exact(rows, asking)
            continue
        truth[name] = np.empty((queries, K), dtype=np.int64)
        for value in np.unique(asked[column]):
            kept = np.flatnonzero(columns[column][:count] == value)
            who = asked[column] == value
            truth[name][who] = _padded(exact(rows[kept], asking[who]), kept)
    np.savez(folder / "truth.npz", **truth)


def load(folder: Path) -> Corpus:
    """Open what `prepare` wrote."""
    with np.load(folder / "queries.npz") as archive:
        asked = {name: archive[name] for name in COLUMNS}
        queries = archive["vectors"]
    with np.load(folder / "columns.npz") as columns, np.load(folder / "truth.npz") as truth:
        return Corpus(np.load(folder / "vectors.npy", mmap_mode="r"), dict(columns), queries, asked, dict(truth))


def exact(rows: Floats, queries: Floats, k: int = K) -> NDArray[np.int64]:
    """The k rows of largest inner product, best first."""
    found = []
    for begin in range(0, len(queries), _QUERIES_AT_ONCE):
        scores = queries[begin : begin + _QUERIES_AT_ONCE] @ rows.T
        best = np.argpartition(-scores, min(k, scores.shape[1] - 1), axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1)
        found.append(np.take_along_axis(best, order, 1))
    return np.concatenate(found)


def recall(found: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Share of the exact answers that were found."""
    hits = sum(len(np.intersect1d(row, right[right >= 0])) for row, right in zip(found, truth, strict=True))
    return hits / max(1, int((truth >= 0).sum()))


def _regions(clusters: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.int32]:
    """Ten equal parts of whole neighbouring clusters, but for those that a border cuts."""
    shuffled = rng.permutation(int(clusters.max()) + 1)[clusters]
    regions = np.empty(len(clusters), dtype=np.int32)
    regions[np.argsort(shuffled, kind="stable")] = np.arange(len(clusters)) * 10 // len(clusters)
    return regions


def _padded(found: NDArray[np.int64], kept: NDArray[np.int64]) -> NDArray[np.int64]:
    full = np.full((len(found), K), -1, dtype=np.int64)
    full[:, : found.shape[1]] = kept[found]
    return full
