"""What is compared: methods at equal budgets, random subsets, k-means, all points, and faiss on all points."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.prototype_generation.measures import decisions, mean_average_precision
from bench.prototype_generation.mulan import Corpus
from sonotype.models.multilabel import MultiLabelKNN, PrototypeSet

CLASSIFIERS = ("near", "br", "lp", "ml")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Points:
    """What a classifier searches."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    weight: NDArray[Any]


Make = Callable[[NDArray[np.float64], NDArray[np.bool_]], Points]


def of_set(prototypes: PrototypeSet) -> Points:
    return Points(prototypes.x, prototypes.y, prototypes.weight)


def whole(x: NDArray[np.float64], y: NDArray[np.bool_]) -> Points:
    return Points(x, y.astype(np.float64), np.ones(len(x)))


def subset(share: float, seed: int) -> Make:
    def make(x: NDArray[np.float64], y: NDArray[np.bool_]) -> Points:
        chosen = np.random.default_rng(seed).choice(len(x), max(1, int(share * len(x))), replace=False)
        return whole(x[chosen], y[chosen])

    return make


def fitted(method: str, share: float | None, **options: Any) -> Make:
    def make(x: NDArray[np.float64], y: NDArray[np.bool_]) -> Points:
        return of_set(PrototypeSet.fit(x, y, method=method, budget=share, **options))  # type: ignore[arg-type]

    return make


def field(share: float) -> dict[str, Make]:
    """The contenders at one budget."""
    hard: dict[str, Any] = {"labels": "majority", "position": "median"}
    return {
        "all points": whole,
        "random subset": subset(share, 0),
        "k-means majority": fitted("kmeans", share, labels="majority"),
        "k-means soft": fitted("kmeans", share),
        "MChen": fitted("mchen", share, **hard),
        "MChen soft": fitted("mchen", share),
        "MRSP1 (budget in parts)": fitted("mrsp1", share, **hard),
        "MRSP2 (budget in parts)": fitted("mrsp2", share, **hard),
        "MRHC (no budget)": fitted("mrhc", None, **hard),
        "MRHC soft (no budget)": fitted("mrhc", None),
        "MRSP3 (no budget)": fitted("mrsp3", None, **hard),
        "entropy": fitted("entropy", share),
    }


def measure(corpus: Corpus, name: str, make: Make, classifiers: tuple[str, ...] = CLASSIFIERS) -> list[Row]:
    """One row for each classifier."""
    start = time.process_time()
    points = make(corpus.x, corpus.y)
    built = time.process_time() - start
    rows = []
    for kind in classifiers:
        knn = classifier(points, kind)
        start = time.process_time()
        scores = knn.scores(corpus.test_x)
        spent = 1e6 * (time.process_time() - start) / len(scores)
        figures = decisions(corpus.test_y, scores >= 0.5 if kind == "ml" else scores > 0.5)
        size = {"prototypes": len(points.x), "size_pct": 100 * len(points.x) / len(corpus.x)}
        quality = {"map": mean_average_precision(corpus.test_y, scores), **figures}
        rows.append({"name": name, "kind": kind, "k": knn.k, **size, **quality, "build_s": built, "query_us": spent})
    return rows


def classifier(points: Points, kind: str) -> MultiLabelKNN:
    if kind == "near":
        return MultiLabelKNN(points.x, points.y, votes="near", weight=points.weight)
    return MultiLabelKNN(points.x, points.y, kind=kind)  # type: ignore[arg-type]


def best_of_all_points(corpus: Corpus, votes: str) -> tuple[int, float]:
    """The number of neighbours, chosen on the test, that suits all points best, and the mAP: a hard mark to reach."""
    points = whole(corpus.x, corpus.y)
    found = {}
    for k in (1, 5, 9, 15, 25):
        knn = MultiLabelKNN(points.x, points.y, k=k, votes=votes)  # type: ignore[arg-type]
        found[k] = mean_average_precision(corpus.test_y, knn.scores(corpus.test_x))
    best = max(found, key=found.__getitem__)
    return best, found[best]


def faiss_on_all(corpus: Corpus, *, graph: bool, k: int = 9) -> Row:
    """Exact or approximate search among all points by faiss, one thread, equal votes."""
    import faiss  # noqa: PLC0415 - half a second that nobody else waits for

    faiss.omp_set_num_threads(1)
    x, queries = corpus.x.astype(np.float32), corpus.test_x.astype(np.float32)
    start = time.process_time()
    index = faiss.IndexHNSWFlat(x.shape[1], 32) if graph else faiss.IndexFlatL2(x.shape[1])
    index.add(x)
    built = time.process_time() - start
    start = time.process_time()
    scores = corpus.y[index.search(queries, k)[1]].mean(axis=1)
    spent = 1e6 * (time.process_time() - start) / len(queries)
    name = "faiss HNSW, all points" if graph else "faiss flat, all points"
    quality = {"map": mean_average_precision(corpus.test_y, scores), **decisions(corpus.test_y, scores > 0.5)}
    size = {"prototypes": len(x), "size_pct": 100.0}
    return {"name": name, "kind": "br", "k": k, **size, **quality, "build_s": built, "query_us": spent}
