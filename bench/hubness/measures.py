"""Lists of nearest neighbours, and how hubby they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bench.hubness.contenders import Contender, Rows
from bench.hubness.corpus import Corpus, Floats

BLOCK = 256
WHOLE = 0
"""An over-fetch of everything: the correction scores the whole corpus."""


def neighbours(
    corpus: Corpus, contenders: Sequence[Contender], fetches: Sequence[int], k: int, *, apart: bool
) -> dict[tuple[int, int], Rows]:
    """The k nearest of every track.

    Args:
        corpus: the tracks.
        contenders: the corrections.
        fetches: how many tracks of largest cosine a correction may choose from; `WHOLE` for all.
        k: length of the lists.
        apart: leave out tracks that share the query's `apart`.

    Returns:
        For each (position of the contender, fetch) rows of shape `[n, k]`.
    """
    lists = {(c, f): np.empty((len(corpus.vectors), k), np.int64) for c in range(len(contenders)) for f in fetches}
    most = max((fetch for fetch in fetches if fetch != WHOLE), default=0)
    everything = np.arange(len(corpus.vectors))[None, :]
    for queries, cosines in _blocks(corpus, apart):
        near = _largest(cosines, most) if most else everything
        for (c, fetch), rows in lists.items():
            tracks = everything if fetch == WHOLE else near[:, :fetch]
            given = cosines if fetch == WHOLE else np.take_along_axis(cosines, tracks, axis=1)
            scores = np.where(np.isneginf(given), -np.inf, contenders[c].score(queries, np.maximum(given, -1), tracks))
            best = _largest(scores, k)
            rows[queries] = best if fetch == WHOLE else np.take_along_axis(tracks, best, axis=1)
    return lists


def _blocks(corpus: Corpus, apart: bool) -> Iterator[tuple[Rows, Floats]]:
    """Queries and their cosines to everything, -inf where a track may not be a neighbour."""
    for start in range(0, len(corpus.vectors), BLOCK):
        queries = np.arange(start, min(start + BLOCK, len(corpus.vectors)))
        cosines = corpus.vectors[queries] @ corpus.vectors.T
        cosines[np.arange(len(queries)), queries] = -np.inf
        if apart and corpus.apart is not None:
            cosines[corpus.apart[queries][:, None] == corpus.apart[None, :]] = -np.inf
        yield queries, cosines


def _largest(scores: Floats, count: int) -> Rows:
    """Columns of the largest scores of each row, largest first."""
    count = min(count, scores.shape[1])
    some = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)


def hubness(lists: Rows) -> dict[str, float]:
    """Of the k-occurrence N_k, how many lists a track is in: its skewness, the share in none, the largest share.

    The skewness is E[(N_k - mean)^3] / std^3 (Radovanović et al. 2010, eq. 1).
    """
    occurrence = np.bincount(lists.ravel(), minlength=len(lists)).astype(np.float64)
    off = occurrence - occurrence.mean()
    return {
        "skewness": float((off**3).mean() / (off**2).mean() ** 1.5),
        "orphans": float((occurrence == 0).mean()),
        "largest_hub": float(occurrence.max() / len(lists)),
    }


def agreement(lists: Rows, corpus: Corpus) -> float | None:
    """Share of neighbours that carry the query's label."""
    if corpus.labels is None:
        return None
    return float((corpus.labels[lists] == corpus.labels[:, None]).mean())
