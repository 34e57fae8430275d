"""The report: the curve of size against precision, and the audit of labels."""

from __future__ import annotations

import numpy as np
from taggers_kit import corpus

from sonotype.catalog.taggers.reporting import doubts, mean_average_precision, sizes


def test_induced_swaps_are_found() -> None:
    """20 % of the tracks get the labels of another: most doubted tracks are among them."""
    x, said = corpus(300)
    random = np.random.default_rng(3)
    swapped = random.choice(300, 60, replace=False)
    noisy = said.copy()
    noisy[swapped] = said[np.roll(swapped, 1)]
    wrong = noisy != said
    found = doubts(x, noisy, np.arange(300))
    top = found[: int(wrong.sum())]
    assert np.mean([wrong[doubt.track, doubt.label] for doubt in top]) > 0.9
    assert found == sorted(found, key=lambda doubt: doubt.agreement)
    assert all(doubt.positive == (noisy[doubt.track, doubt.label] > 0) for doubt in found)


def test_clean_labels_are_not_doubted() -> None:
    x, said = corpus(120)
    assert len(doubts(x, said, np.arange(120))) < 5


def test_an_artist_is_no_witness_of_its_own() -> None:
    """All tracks of one artist carry a label that nobody else near them carries."""
    x, said = corpus(60, groups=1)
    said[:] = -1
    said[:10, 0] = 1
    artists = np.where(np.arange(60) < 10, 0, np.arange(60))
    doubted = {doubt.track for doubt in doubts(x, said, artists) if doubt.positive}
    assert doubted == set(range(10))


def test_more_prototypes_are_more_precise() -> None:
    x, said = corpus(240, groups=12)
    found = sizes(x, said, np.random.default_rng(2).permutation(240), (0.01, 0.1, 1.0))
    assert [one.share for one in found] == [0.01, 0.1, 1.0]
    assert [one.prototypes for one in found] == [1.0, 16.0, 160.0]
    precision = [one.mean_average_precision or 0.0 for one in found]
    assert precision[0] + 0.2 < precision[1]
    assert precision[1] > 0.75


def test_one_artist_gives_no_curve() -> None:
    x, said = corpus(20)
    assert [one.mean_average_precision for one in sizes(x, said, np.zeros(20, np.int64), (0.5,))] == [None]


def test_average_precision_shares_ties() -> None:
    said = np.array([[1], [-1], [1], [0]], dtype=np.int8)
    assert mean_average_precision(said, np.array([[0.9], [0.5], [0.5], [1.0]])) == (1.0 + 2 / 3) / 2
    assert mean_average_precision(said[:1], np.array([[0.9]])) is None
