"""The choice of an answer: scores, diversity, constraints."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ranking_kit import candidates, crowds, pick, track, units

from sonotype.catalog.keys import album_key, artist_key
from sonotype.catalog.port import Candidates, Range, TrackFilter
from sonotype.catalog.ranking.constraints import Member, within
from sonotype.catalog.ranking.rank import Ranked, rank
from sonotype.catalog.ranking.values import Constraints
from sonotype.catalog.track import Metadata
from sonotype.core.errors import SonotypeError

LIMITS = st.builds(
    Constraints,
    max_per_artist=st.none() | st.integers(1, 3),
    max_per_album=st.none() | st.integers(1, 3),
    hide_duplicates=st.booleans(),
    exclude=st.lists(st.integers(0, 45).map("t{:03d}".format), max_size=4).map(tuple),
)
KNOB = st.sampled_from([0.0, 0.2, 0.5, 1.0])


def names(found: Candidates, ranked: Ranked) -> list[str]:
    return [found.ids[row] for row in ranked.rows]


@given(crowds(), st.integers(1, 50))
def test_without_diversity_the_order_is_that_of_the_scores(crowd: tuple, k: int) -> None:
    found, query, sample = crowd
    ranked = rank(found, query, sample, k)
    assert ranked.rows.tolist() == ranked.scores.order[:k].tolist()
    values = ranked.scores.value[ranked.rows]
    assert (np.diff(values) <= 0).all()


@given(crowds(), st.integers(1, 50), LIMITS, KNOB)
def test_constraints_are_never_violated_and_nothing_is_refused_in_vain(
    crowd: tuple, k: int, limits: Constraints, knob: float
) -> None:
    found, query, sample = crowd
    ranked = rank(found, query, sample, k, constraints=limits, diversity=knob)
    rows = ranked.rows
    assert len(set(rows.tolist())) == len(rows) <= k
    assert not set(names(found, ranked)) & set(limits.exclude)
    for keys, most in ((found.artist, limits.max_per_artist), (found.album, limits.max_per_album)):
        counts = Counter(int(key) for key in keys[rows] if key)
        assert most is None or max(counts.values(), default=0) <= most
    if limits.hide_duplicates:
        for column in found.recording[rows].T:
            known = column[column != 0]
            assert len(set(known.tolist())) == len(known)
    if len(rows) < k:
        assert len(rows) + sum(ranked.refused.values()) == len(found.ids)


@given(crowds(), LIMITS, KNOB, st.randoms(use_true_random=False))
def test_the_order_in_which_candidates_come_does_not_matter(
    crowd: tuple, limits: Constraints, knob: float, random: object
) -> None:
    found, query, sample = crowd
    rows = np.arange(len(found.ids))
    random.shuffle(rows)  # type: ignore[attr-defined]
    other = pick(found, rows)
    expected = names(found, rank(found, query, sample, 10, constraints=limits, diversity=knob))
    assert names(other, rank(other, query, sample, 10, constraints=limits, diversity=knob)) == expected


def spread(found: Candidates, ranked: Ranked) -> float:
    chosen = found.vectors[ranked.rows]
    return float((chosen @ chosen.T)[np.triu_indices(len(chosen), 1)].mean())


def test_more_diversity_gives_tracks_less_alike_that_are_less_similar() -> None:
    every = units(300, 24)
    found = candidates(every[1:], every[0])
    lists = [rank(found, every[0], every[:0], 10, diversity=knob) for knob in (0.0, 0.3, 0.6, 1.0)]
    alike = [spread(found, ranked) for ranked in lists]
    near = [float(found.similarity[ranked.rows].mean()) for ranked in lists]
    assert alike == sorted(alike, reverse=True)
    assert near == sorted(near, reverse=True)
    assert len({ranked.rows[0] for ranked in lists}) == 1


def test_it_is_the_maximal_marginal_relevance_of_the_paper() -> None:
    found = candidates(units(30)[1:], units(30)[0])
    chosen: list[int] = []
    for _ in range(8):
        gain = [
            -np.inf
            if row in chosen
            else 0.6 * found.similarity[row]
            - 0.4 * max((found.vectors[row] @ found.vectors[other] for other in chosen), default=0)
            for row in range(29)
        ]
        chosen.append(int(np.argmax(gain)))
    assert rank(found, units(30)[0], units(0), 8, diversity=0.4).rows.tolist() == chosen


def test_the_recordings_of_seeds_are_hidden_but_their_artists_are_not_counted() -> None:
    query, *vectors = units(4)
    found = candidates(np.array(vectors), query, artist=[7, 7, 8], recording=[[5, 0, 0], [6, 0, 0], [0, 0, 0]])
    seed = Member("seed", 7, 0, (5, 0, 0))
    limits = Constraints(max_per_artist=1, hide_duplicates=True)
    ranked = rank(found, query, units(0), 5, constraints=limits, heard=[seed])
    assert set(names(found, ranked)) == {"t001", "t002"}
    assert ranked.refused == {"hide_duplicates": 1}
    listed = rank(found, query, units(0), 5, constraints=limits, listed=[seed])
    assert names(found, listed) == ["t002"]


def test_a_seed_never_comes() -> None:
    found = candidates(units(3), units(3)[0])
    assert "t000" not in names(found, rank(found, units(3)[0], units(0), 3, heard=[Member("t000", 0, 0, (0, 0, 0))]))


def test_nothing_comes_of_nothing() -> None:
    found = candidates(units(0), units(1)[0])
    assert rank(found, units(1)[0], units(300), 5, diversity=0.5).rows.tolist() == []


def test_members_are_equal_by_row_and_by_track() -> None:
    one = track("t000", artist="Björk", album="Post", mbid="X-1", content_sha256="ab")
    member = Member.of(one)
    assert (member.artist, member.album) == (artist_key(one.metadata), album_key(one.metadata))
    found = candidates(
        units(1), units(1)[0], artist=[member.artist], album=[member.album], recording=[list(member.recording)]
    )
    assert Member.at(found, 0) == member


def test_windows_narrow_the_filter() -> None:
    limits = Constraints(tempo_within=0.1, duration_within=0.5)
    seed = Metadata(tempo_bpm=120, duration_s=200)
    where = within(TrackFilter(tags=("jazz",), tempo_bpm=Range(115, None)), limits, seed)
    assert where.tags == ("jazz",)
    assert (where.tempo_bpm.low, where.tempo_bpm.high) == pytest.approx((115, 132))
    assert where.duration_s == Range(100, 300)
    assert within(where, Constraints(), None) == where


@pytest.mark.parametrize("seed", [None, Metadata()])
def test_a_window_around_an_unknown_value_is_refused(seed: Metadata | None) -> None:
    with pytest.raises(SonotypeError, match="tempo_within needs a seed track"):
        within(TrackFilter(), Constraints(tempo_within=0.1), seed)
