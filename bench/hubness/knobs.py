"""What the knobs of a query do, through the ranking of the service itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.hubness.contenders import Rows
from bench.hubness.corpus import Corpus, Floats
from sonotype.catalog.port import Candidates
from sonotype.catalog.ranking.hubness import statistics
from sonotype.catalog.ranking.mixing import mix
from sonotype.catalog.ranking.rank import rank

QUERIES, SAMPLE, FETCH, K = 150, 512, 100, 10
DIVERSITY, NEGATIVE = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0), (0.0, -0.25, -0.5, -1.0)


class Shelf:
    """A corpus that answers queries as the service does.

    Args:
        corpus: with labels.
        seed: of the sample and the queries.
    """

    def __init__(self, corpus: Corpus, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self._vectors = corpus.vectors
        self._sample = corpus.vectors[rng.choice(len(corpus.vectors), SAMPLE, replace=False)]
        self._mean, self._std = statistics(corpus.vectors, self._sample)
        self.queries: Rows = rng.choice(len(corpus.vectors), QUERIES, replace=False)

    def nearest(self, vector: Floats, without: list[int], diversity: float = 0.0) -> Rows:
        """The K tracks that the service would answer with."""
        cosines = self._vectors @ vector
        cosines[without] = -2
        rows = np.argsort(-cosines)[:FETCH]
        nobody = np.zeros((FETCH, 3), np.uint64)
        names = tuple(f"{row:06d}" for row in rows)
        found = Candidates(
            names,
            cosines[rows],
            self._vectors[rows],
            nobody[:, 0],
            nobody[:, 0],
            nobody,
            self._mean[rows],
            self._std[rows],
        )
        return rows[rank(found, vector, self._sample, K, diversity=diversity).rows]


def diversity(corpus: Corpus) -> Iterator[dict[str, Any]]:
    """Nearness to the query, likeness within the list and agreement, for values of the knob."""
    assert corpus.labels is not None  # noqa: S101
    shelf = Shelf(corpus)
    upper = np.triu_indices(K, 1)
    for value in DIVERSITY:
        lists = np.stack([shelf.nearest(corpus.vectors[row], [int(row)], value) for row in shelf.queries])
        chosen = corpus.vectors[lists]
        near = np.einsum("qd,qkd->qk", corpus.vectors[shelf.queries], chosen).mean()
        alike = np.mean([(one @ one.T)[upper].mean() for one in chosen])
        same = (corpus.labels[lists] == corpus.labels[shelf.queries][:, None]).mean()
        yield {"diversity": value, "to_query": round(float(near), 3), "within": round(float(alike), 3)} | {
            "agreement": round(float(same), 3)
        }


def negative(corpus: Corpus) -> Iterator[dict[str, Any]]:
    """A track minus its nearest track of another label: how many matches carry the one label and the other."""
    assert corpus.labels is not None  # noqa: S101
    shelf = Shelf(corpus)
    others = {int(row): _nearest_other(corpus, int(row)) for row in shelf.queries}
    for weight in NEGATIVE:
        wanted, unwanted = [], []
        for row, other in others.items():
            query = mix([corpus.vectors[row], corpus.vectors[other]], [1.0, weight])
            labels = corpus.labels[shelf.nearest(query, [row, other])]
            wanted.append(np.mean(labels == corpus.labels[row]))
            unwanted.append(np.mean(labels == corpus.labels[other]))
        yield {"weight": weight, "wanted": round(float(np.mean(wanted)), 3)} | {
            "unwanted": round(float(np.mean(unwanted)), 3)
        }


def _nearest_other(corpus: Corpus, row: int) -> int:
    assert corpus.labels is not None  # noqa: S101
    cosines = corpus.vectors @ corpus.vectors[row]
    cosines[corpus.labels == corpus.labels[row]] = -2
    return int(np.argmax(cosines))
