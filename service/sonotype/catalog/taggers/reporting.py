"""How good a tagger is on its own tracks, and which of their labels look wrong.

Both leave out: the size curve by folds, the audit by asking the neighbours of a track, without its artist.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sonotype.catalog.taggers.values import Numbers, Said
from sonotype.core.types import Floats
from sonotype.models.multilabel import MultiLabelKNN, PrototypeSet
from sonotype.models.multilabel.samples import Bools, Doubles

SHARES = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
FOLDS = 3
_NEIGHBOURS = 10
_BLOCK_NUMBERS = 2**22


@dataclass(frozen=True, slots=True)
class Size:
    """What a budget is worth: prototypes and mean average precision over the labels, both the mean of the folds."""

    share: float
    prototypes: float
    mean_average_precision: float | None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A label of a track that its neighbourhood contradicts.

    Attributes:
        track: number.
        label: number.
        positive: what is known of it.
        agreement: share of the neighbours' votes, weighted by similarity and smoothed, that say the same.
    """

    track: int
    label: int
    positive: bool
    agreement: float


def sizes(vectors: Floats, said: Said, groups: Numbers, shares: Sequence[float] = SHARES) -> list[Size]:
    """The trade of size against precision, by the default method, tracks of one group never on both sides.

    Args:
        vectors: of unit length, shape [n, D].
        said: shape [n, L].
        groups: artist of each track, shape [n].
        shares: of the tracks, as budgets.
    """
    x, fold = vectors.astype(np.float64), _folds(groups)
    found: dict[float, list[tuple[int, float]]] = {share: [] for share in shares}
    for held in range(FOLDS):
        test, train = fold == held, fold != held
        if not test.any() or not train.any():
            continue
        for share, size, knn in _classifiers(x[train], said[train] > 0, shares):
            precision = mean_average_precision(said[test], knn.scores(x[test]))
            if precision is not None:
                found[share].append((size, precision))
    return [_size(share, folds) for share, folds in found.items()]


def doubts(vectors: Floats, said: Said, groups: Numbers) -> list[Doubt]:
    """Known labels that the neighbourhood contradicts, the most doubtful first.

    Every label of a track is asked of its ten nearest tracks of other artists; the share of their votes is smoothed by
    the share in all tracks, so that a rare label is not doubted only because it is rare.
    """
    prior = ((said > 0).sum(axis=0) + 1.0) / ((said != 0).sum(axis=0) + 2.0)
    share = np.concatenate([_shares(vectors, said, groups, rows, prior) for rows in _rows(len(said))])
    agreement = np.where(said > 0, share, 1.0 - share)
    # relative to what chance gives: "no" is the answer for most labels, and agrees cheaply
    lift = agreement / np.where(said > 0, prior, 1.0 - prior)
    tracks, labels = np.nonzero((said != 0) & (lift < 1.0) & (agreement < 0.5))
    order = np.lexsort((labels, tracks, agreement[tracks, labels]))
    places = [(int(tracks[place]), int(labels[place])) for place in order]
    return [Doubt(t, c, bool(said[t, c] > 0), float(agreement[t, c])) for t, c in places]


def mean_average_precision(said: Said, scores: Doubles) -> float | None:
    """Over the labels that some tracks are known to carry and others known not to; None where there is none."""
    found = []
    for column in range(said.shape[1]):
        known = said[:, column] != 0
        truth = said[known, column] > 0
        if truth.any() and not truth.all():
            found.append(_average_precision(truth, scores[known, column]))
    return float(np.mean(found)) if found else None


def _average_precision(truth: Bools, scores: Doubles) -> float:
    """Sum of precision times gain in recall over the thresholds; scores equal to 12 digits share one."""
    scores = scores.round(12)
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    precision = hits[last] / (last + 1)
    return float((precision * np.diff(hits[last], prepend=0)).sum() / hits[-1])


def _classifiers(x: Doubles, y: Bools, shares: Sequence[float]) -> Iterator[tuple[float, int, MultiLabelKNN]]:
    """One for every budget; that of all tracks is the tracks themselves."""
    largest = max((share for share in shares if share < 1), default=None)
    whole = None if largest is None else PrototypeSet.fit(x, y, budget=max(1, int(largest * len(x))))
    for share in shares:
        if share >= 1 or whole is None:
            yield share, len(x), MultiLabelKNN(x, y.astype(np.float64))
        else:
            cut = whole.at(max(1, int(share * len(x))))
            yield share, len(cut), MultiLabelKNN(cut.x, cut.y)


def _shares(vectors: Floats, said: Said, groups: Numbers, rows: slice, prior: Doubles) -> Doubles:
    near = (vectors[rows] @ vectors.T).astype(np.float64)
    near[groups[rows][:, None] == groups[None]] = -np.inf
    count = min(_NEIGHBOURS, len(said))
    chosen = np.argpartition(-near, count - 1, axis=1)[:, :count]
    weight = np.maximum(0.0, np.take_along_axis(near, chosen, axis=1))
    weight[~np.isfinite(weight)] = 0.0
    votes = said[chosen]
    yes = (weight[:, :, None] * (votes > 0)).sum(axis=1)
    known = (weight[:, :, None] * (votes != 0)).sum(axis=1)
    return np.asarray((yes + prior) / (known + 1.0))


def _folds(groups: Numbers) -> Numbers:
    """Groups dealt out in the order of their size, each to the fold that holds least."""
    names, place, counts = np.unique(groups, return_inverse=True, return_counts=True)
    fold_of, held = np.zeros(len(names), dtype=np.int64), np.zeros(FOLDS)
    for group in np.argsort(-counts, kind="stable"):
        fold_of[group] = held.argmin()
        held[fold_of[group]] += counts[group]
    return np.asarray(fold_of[place.reshape(-1)])


def _size(share: float, folds: list[tuple[int, float]]) -> Size:
    if not folds:
        return Size(share, 0.0, None)
    prototypes, precision = np.mean(folds, axis=0)
    return Size(share, float(prototypes), float(precision))


def _rows(n: int) -> list[slice]:
    step = max(1, _BLOCK_NUMBERS // max(n, 1))
    return [slice(start, min(n, start + step)) for start in range(0, n, step)]
