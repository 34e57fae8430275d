"""Feedback keeps the set consistent, within its budget, and replayable bit for bit."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from taggers_kit import LABELS, base, bits, corpus, correction, tagger, unit

from sonotype.catalog.taggers.answering import Answering
from sonotype.catalog.taggers.deciding import Decider
from sonotype.catalog.taggers.fitting import fit
from sonotype.catalog.taggers.merging import Merges
from sonotype.catalog.taggers.siblings import Siblings, grow
from sonotype.catalog.taggers.tagger import Correction, Tagger, restored
from sonotype.catalog.taggers.taught import TaughtSet
from sonotype.core.errors import Code, SonotypeError


def check(taught: TaughtSet) -> None:
    """Every track is in one part; sums and counts are those of the members."""
    numbers = sorted(number for members in taught.members.values() for number in members)
    assert numbers == list(range(len(taught.ids)))
    for part, members in taught.members.items():
        assert members
        assert all(taught.part_of[number] == part for number in members)
        x, said = taught.vectors.values[members], taught.said.values[members]
        np.testing.assert_allclose(taught.sums.values[part], x.astype(np.float64).sum(axis=0), atol=1e-9)
        np.testing.assert_array_equal(taught.counts.values[part], [(said > 0).sum(axis=0), (said < 0).sum(axis=0)])
        np.testing.assert_allclose(taught.centres.values[part], x.mean(axis=0), atol=1e-5)
    np.testing.assert_array_equal(taught.totals, taught.counts.values[taught.parts].sum(axis=0))


@settings(max_examples=12, deadline=None)
@given(
    steps=st.lists(st.one_of(st.integers(0, 200), st.sampled_from(["undo", "back"])), min_size=1, max_size=60),
    budget=st.sampled_from([1, 3, 8, 60]),
)
def test_replay_gives_the_same_set_bit_for_bit(steps: list[int | str], budget: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mine"
        mine = tagger(path, budget=budget)
        for step in steps:
            if step == "undo":
                if mine.history.chain():
                    mine.undo()
            elif step == "back":
                mine.rollback(1 + mine.history.current // 2)
            else:
                mine.correct(correction(int(step)))
        check(mine.taught)
        assert len(mine.taught) <= max(budget, 1)
        again = Tagger(path)
        assert bits(again.taught) == bits(mine.taught)
        assert again.facts() == mine.facts()
        mine.close()
        again.close()


def test_a_version_is_what_it_was(tmp_path: Path) -> None:
    mine = tagger(tmp_path / "mine")
    states = [bits(mine.taught)]
    for number in range(25):
        mine.correct(correction(number))
        states.append(bits(mine.taught))
    mine.undo()
    assert bits(mine.taught) == states[24]
    mine.undo()
    assert bits(mine.taught) == states[23]
    mine.rollback(26)
    assert bits(mine.taught) == states[25]
    mine.rollback(1)
    assert bits(mine.taught) == states[0]
    with pytest.raises(SonotypeError) as caught:
        mine.undo()
    assert caught.value.code is Code.CONFLICT
    mine.rollback(11)
    mine.correct(correction(99))
    mine.undo()
    assert bits(mine.taught) == states[10]


def test_splits_and_merges_happen_and_help() -> None:
    """Two kinds of tracks in one part, told apart by corrections, end in parts of their own."""
    x, said = corpus(80, groups=4)
    taught = TaughtSet(fit([f"t{i}" for i in range(80)], x, np.where(said > 0, -1, -1).astype(np.int8), "entropy", 2))
    decider, splits = Decider(taught, 6), 0
    for number in range(80):
        for label in range(len(LABELS)):
            taught.judge(f"t{number}", label, positive=bool(said[number, label] > 0))
            split, _ = decider.decide(taught.part_of[number])
            splits += split is not None
    check(taught)
    assert splits >= 2
    assert 2 < len(taught) <= 6
    answering = Answering(taught, 1)
    right = [np.array_equal(answering.hear(row).scores > 0.5, truth > 0) for row, truth in zip(x, said, strict=True)]
    assert np.mean(right) > 0.9


def test_an_event_is_taken_once(tmp_path: Path) -> None:
    mine = tagger(tmp_path / "mine")
    first = mine.correct(correction(1, event="e"))
    again = mine.correct(correction(1, event="e"))
    assert (first.replayed, again.replayed, again.change) == (False, True, first.change)
    with pytest.raises(SonotypeError) as caught:
        mine.correct(Correction("t0", "rock" if correction(1).label != "rock" else "calm", True, event="e"))
    assert caught.value.code is Code.IDEMPOTENCY_MISMATCH
    mine.close()
    assert Tagger(tmp_path / "mine").correct(correction(1, event="e")).replayed


def test_undo_can_name_what_it_means(tmp_path: Path) -> None:
    mine = tagger(tmp_path / "mine")
    made = mine.correct(correction(1)).change.version
    mine.undo(made)
    with pytest.raises(SonotypeError) as caught:
        mine.undo(made)
    assert caught.value.code is Code.CONFLICT


def test_scores_are_posterior_means_and_follow_corrections() -> None:
    taught = restored(base(), [])
    parts = taught.parts
    posterior = taught.posterior(parts)
    assert ((posterior > 0) & (posterior < 1)).all()
    part = taught.part_of[0]
    before = taught.posterior(np.array([part]))[0, 0]
    positive = taught.said.values[0, 0] < 0
    taught.judge("t0", 0, positive=bool(positive))
    after = taught.posterior(np.array([part]))[0, 0]
    assert after > before if positive else after < before


def test_answers_say_why_and_how_far() -> None:
    taught = restored(base(), [])
    heard = Answering(taught, 3).hear(taught.vectors.values[0])
    assert len(heard.near) == 3
    assert heard.near[0].examples[0] == "t0"
    assert heard.near[0].distance <= heard.near[1].distance
    np.testing.assert_allclose(sum(near.shares for near in heard.near), 1.0)
    np.testing.assert_allclose(
        heard.scores, taught.posterior(np.array([near.prototype for near in heard.near])).mean(axis=0)
    )
    assert not heard.is_far
    assert Answering(taught, 3).hear(unit(-taught.sums.values.sum(axis=0))).is_far


def test_a_tree_holds_every_part() -> None:
    random = np.random.default_rng(1)
    x = np.repeat(random.normal(size=(9, 4)), 3, axis=0)  # equal positions too
    splits, leaves = grow(x)
    assert len(splits) == 26
    assert len(set(leaves.tolist())) == 27
    tree = Siblings(splits, leaves)
    parts = 27
    while tree.pairs():
        tree.merge(*tree.pairs()[-1])
        parts -= 1
    assert parts == 1


def test_the_costs_of_merges_are_kept_up_to_date() -> None:
    """After any corrections they are what they would be, were all computed at once."""
    taught, random = restored(base(budget=12), []), np.random.default_rng(5)
    decider, changes = Decider(taught, 12), 0
    for _ in range(150):
        number, label = int(random.integers(60)), int(random.integers(len(LABELS)))
        taught.judge(f"t{number}", label, positive=bool(random.random() < 0.5))
        changes += decider.decide(taught.part_of[number])[0] is not None
        part = taught.part_of[number]
        kept = decider._merges.cheapest(part)
        taught.changed |= set(taught.members)
        fresh = Merges(taught, decider._weights).cheapest(part)
        assert kept == (fresh[0], pytest.approx(fresh[1]))
    assert changes > 3
