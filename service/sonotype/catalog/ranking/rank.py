"""From candidates to the tracks of an answer: score, diversify, keep to the constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonotype.catalog.port import Candidates
from sonotype.catalog.ranking.constraints import Allowance, Member
from sonotype.catalog.ranking.hubness import MIN_SAMPLE, log_mutual_proximity, statistics
from sonotype.catalog.ranking.values import Constraints, Hubness
from sonotype.core.types import Floats

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scores:
    """What the order follows.

    Attributes:
        value: mutual proximity in 0…1, or the cosine where none was computed. Shape [n].
        order: rows, best first; equal ones by cosine, then by id. Shape [n].
        hubness: the correction that was made.
    """

    value: Floats
    order: Rows
    hubness: Hubness


@dataclass(frozen=True, slots=True)
class Ranked:
    """The tracks of an answer.

    Attributes:
        rows: of the candidates, in the order of the answer. Shape [<= k].
        scores: of all candidates.
        refused: how many candidates each constraint ruled out.
    """

    rows: Rows
    scores: Scores
    refused: Mapping[str, int]


def rank(
    candidates: Candidates,
    query: Floats,
    sample: Floats,
    k: int,
    *,
    constraints: Constraints | None = None,
    diversity: float = 0.0,
    hubness: Hubness = "mutual_proximity",
    heard: Sequence[Member] = (),
    listed: Sequence[Member] = (),
) -> Ranked:
    """Choose the tracks of an answer.

    Args:
        candidates: near the query, more than k of them (`fetch.py`).
        query: unit vector, shape [D].
        sample: of the generation, shape [m, D], as in `Found.sample`.
        k: how many to choose.
        constraints: what the list keeps to; None means nothing.
        diversity: 0 follows the scores, 1 takes what is most unlike the list so far.
        hubness: the correction wanted; none is made where the sample is too small.
        heard: the seeds: neither they nor their recordings come.
        listed: tracks that stand in the list before these, and count for its constraints.
    """
    scores = score(candidates, query, sample, hubness)
    allowance = Allowance(candidates, constraints or Constraints(), heard)
    for member in listed:
        allowance.count(member)
    rows = _choose(candidates, scores, k, diversity, allowance)
    return Ranked(rows, scores, allowance.refused)


def score(candidates: Candidates, query: Floats, sample: Floats, hubness: Hubness) -> Scores:
    """Score candidates by mutual proximity to the query, or by their cosine."""
    cosine = candidates.similarity
    if hubness == "none" or len(sample) < MIN_SAMPLE:
        return Scores(cosine, _best_first(candidates.ids, cosine, cosine), "none")
    mean, std = _statistics(candidates, sample)
    query_mean, query_std = statistics(query[None, :], sample)
    log_mp = log_mutual_proximity(cosine, query_mean, query_std, mean, std)
    order = _best_first(candidates.ids, log_mp, cosine)
    return Scores(np.exp(log_mp).astype(np.float32), order, "mutual_proximity")


def _statistics(candidates: Candidates, sample: Floats) -> tuple[Floats, Floats]:
    """Those that stand beside the tracks; computed here for tracks that were stored before there was a sample."""
    mean, std = candidates.neighbour_mean.copy(), candidates.neighbour_std.copy()
    missing = std <= 0
    if missing.any():
        mean[missing], std[missing] = statistics(candidates.vectors[missing], sample)
    return mean, std


def _best_first(ids: Sequence[str], *keys: NDArray[np.floating]) -> Rows:
    names = np.array(ids, dtype=np.str_)
    return np.lexsort((names, *(-key for key in reversed(keys)))).astype(np.int64)


def _choose(candidates: Candidates, scores: Scores, k: int, diversity: float, allowance: Allowance) -> Rows:
    """Follow the scores, or trade them for diversity."""
    if diversity > 0:
        return _diversify(candidates, scores.order, k, diversity, allowance)
    chosen: list[int] = []
    for row in scores.order.tolist():
        if len(chosen) == k:
            break
        if allowance.allowed[row]:
            allowance.take(row)
            chosen.append(row)
    return np.array(chosen, np.int64)


def _diversify(candidates: Candidates, order: Rows, k: int, diversity: float, allowance: Allowance) -> Rows:
    """Maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998), greedily, among what is still allowed.

    Next is argmax (1 - diversity) * relevance - diversity * max over the list of the cosine to it. Both terms must
    be cosines to be weighed against each other, so the relevance of the r-th best score is the r-th largest cosine:
    the order is the score's, the scale the cosine's. Ties go to the better score.
    """
    relevance = (1 - diversity) * np.sort(candidates.similarity)[::-1]
    vectors = candidates.vectors[order]
    nearest = np.full(len(order), -1.0, np.float32)
    chosen: list[int] = []
    while len(chosen) < k and allowance.allowed.any():
        gain = np.where(allowance.allowed[order], relevance - diversity * nearest, -np.inf)
        best = int(np.argmax(gain))
        chosen.append(int(order[best]))
        allowance.take(chosen[-1])
        np.maximum(nearest, vectors @ vectors[best], out=nearest)
    return np.array(chosen, np.int64)
