"""What the index does unasked, and that nobody notices but by the facts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from index_kit import SMALL, Truth, clusters, opened, settled, snapshots

from sonotype.catalog.index import keeper, rebuild
from sonotype.catalog.index.index import GenerationIndex
from sonotype.catalog.index.segment import Segment
from sonotype.catalog.index.shared import Shared


def filled(count: int) -> Truth:
    truth = Truth()
    truth.fill(clusters(count)[0])
    return truth


def complete(index: GenerationIndex, truth: Truth) -> None:
    assert len(index) == len(truth.stored)
    for slot, vector in truth.stored.values():
        assert index.search(vector, 1).slots.tolist() == [slot]
    found = index.search(next(iter(truth.stored.values()))[1], 10_000, exact=True).slots
    assert sorted(found.tolist()) == sorted(slot for slot, _ in truth.stored.values())


def test_the_tail_moves_into_the_graph(tmp_path: Path) -> None:
    truth = Truth()
    index = opened(tmp_path, truth)
    for slot, vector in enumerate(clusters(150)[0]):
        truth.put(slot, vector, index)
    deadline = time.monotonic() + 20
    while index.facts().tail:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert index.facts().positions == 150
    complete(index, truth)
    index.close()


def test_a_small_catalogue_needs_no_graph(tmp_path: Path) -> None:
    truth = filled(50)
    index = settled(tmp_path, truth)
    assert index.degraded is None
    assert index.facts().tail == 50
    assert index.search(truth.stored[1][1], 5).exact
    complete(index, truth)
    index.close()


def test_many_dead_positions_start_a_rebuild_that_frees_them(tmp_path: Path) -> None:
    truth = filled(300)
    index = settled(tmp_path, truth)
    for slot in range(0, 300, 4):
        truth.drop(slot, index)
    assert index.settle(60)
    assert index.facts().dead == 0
    assert index.facts().positions == 225
    complete(index, truth)
    index.close()
    index = opened(tmp_path, truth)
    assert index.degraded is None
    complete(index, truth)
    index.close()


def test_changes_during_a_rebuild_are_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = filled(400)
    monkeypatch.setattr(rebuild, "_BLOCK", 40)
    building, go_on = threading.Event(), threading.Event()
    add = rebuild._New.add

    def halting(self: rebuild._New, *content: np.ndarray) -> None:
        add(self, *content)
        building.set()
        assert go_on.wait(20)

    monkeypatch.setattr(rebuild._New, "add", halting)
    index = opened(tmp_path, truth)
    assert building.wait(20)
    more = clusters(120, seed=1)[0]
    for slot, vector in enumerate(more[:100], start=360):  # forty of them replace tracks
        truth.put(slot, vector, index)
    for slot in (0, 1, 39, 200, 361, 399, 400, 455):
        truth.drop(slot, index)
    assert index.degraded is not None
    assert index.facts().rebuild is not None
    complete(index, truth)
    go_on.set()
    for slot, vector in enumerate(more[100:], start=1_000):
        truth.put(slot, vector, index)
    assert index.settle(60)
    assert index.degraded is None
    assert index.facts().rebuild is None
    complete(index, truth)
    index.close()
    index = opened(tmp_path, truth)
    complete(index, truth)
    index.close()


def test_a_rebuild_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth, failures = filled(200), []
    take_over = rebuild._New.take_over

    def failing(self: rebuild._New, *content: object) -> None:
        if len(failures) < 2:
            failures.append(1)
            raise MemoryError
        take_over(self, *content)  # type: ignore[arg-type]

    monkeypatch.setattr(rebuild._New, "take_over", failing)
    monkeypatch.setattr(keeper, "_TICK_S", 0.01)
    index = opened(tmp_path, truth)
    complete(index, truth)
    assert index.settle(60)
    assert len(failures) == 2
    assert index.degraded is None
    complete(index, truth)
    index.close()


def test_closing_during_a_rebuild_gives_it_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = filled(300)
    monkeypatch.setattr(rebuild, "_BLOCK", 1)
    index = opened(tmp_path, truth)
    index.close()
    assert [thread.name for thread in threading.enumerate() if "sonotype-index" in thread.name] == []
    assert snapshots(tmp_path) == []


def test_a_long_tail_is_called_degraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper.Keeper, "_merge_due", lambda *_: False)
    truth = Truth()
    index = opened(tmp_path, truth, replace(SMALL, degraded_at=100))
    for slot, vector in enumerate(clusters(101)[0]):
        assert index.degraded is None
        truth.put(slot, vector, index)
    assert index.degraded == "101 new tracks wait for their place in the index"
    complete(index, truth)
    index.close()


def test_adds_wait_where_merging_cannot_keep_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths, add = [], Segment.add

    def slow(self: Segment, vectors: np.ndarray) -> None:
        time.sleep(0.002)
        add(self, vectors)

    monkeypatch.setattr(Segment, "add", slow)
    truth = Truth()
    index = opened(tmp_path, truth, replace(SMALL, tail_limit=100))
    for slot, vector in enumerate(clusters(600)[0]):
        truth.put(slot, vector, index)
        lengths.append(index.facts().tail)
    assert max(lengths) <= 100
    complete(index, truth)
    index.close()


def test_adds_go_on_where_merging_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Segment, vectors: np.ndarray) -> None:
        raise MemoryError

    truth = Truth()
    index = opened(tmp_path, truth, replace(SMALL, tail_limit=100, retry_s=0.2))
    with monkeypatch.context() as broken:
        broken.setattr(Segment, "add", fail)
        adder = threading.Thread(
            target=lambda: [truth.put(slot, vector, index) for slot, vector in enumerate(clusters(300)[0])], daemon=True
        )
        adder.start()
        adder.join(20)
        assert not adder.is_alive()
        assert len(index) == 300
    assert index.settle(20)
    complete(index, truth)
    index.close()


def test_every_position_is_related_to_the_sample(tmp_path: Path) -> None:
    truth = Truth()
    index = opened(tmp_path, truth)
    vectors = clusters(1_100)[0]
    for slot, vector in enumerate(vectors[:200]):
        truth.put(slot, vector, index)
    assert index.settle(60)
    assert len(index.sample) == 0
    assert not np.any(index.statistics_of(np.arange(200)))
    for slot, vector in enumerate(vectors[200:], start=200):
        truth.put(slot, vector, index)
    assert index.settle(60)
    assert 256 <= len(index.sample) <= 512
    related(index, vectors)
    index.close()
    index = opened(tmp_path, truth)
    related(index, vectors)
    index.close()


def related(index: GenerationIndex, vectors: np.ndarray) -> None:
    mean, std = index.statistics_of(np.arange(len(vectors)))
    cosines = vectors @ index.sample.T
    np.testing.assert_allclose(mean, cosines.mean(axis=1), atol=1e-5)
    np.testing.assert_allclose(std, cosines.std(axis=1), atol=1e-5)


def test_a_sample_outlives_a_restart_and_a_rebuild_chooses_another(tmp_path: Path) -> None:
    truth = filled(600)
    index = settled(tmp_path, truth)
    before = index.sample
    related(index, clusters(600)[0])
    index.close()
    index = opened(tmp_path, truth)
    np.testing.assert_array_equal(index.sample, before)
    for slot in range(200):
        truth.drop(slot, index)
    assert index.settle(60)
    assert 400 <= len(index.sample) <= 480, "of those that were left when a fifth was dead, or later"
    there = np.arange(200, 600)
    mean, _ = index.statistics_of(there)
    np.testing.assert_allclose(mean, (index.vectors_of(there)[0] @ index.sample.T).mean(axis=1), atol=1e-5)
    index.close()


def test_a_rebuild_of_few_does_not_put_the_first_sample_off(tmp_path: Path) -> None:
    truth = filled(200)
    index = settled(tmp_path, truth)
    assert len(index.sample) == 0
    for slot, vector in enumerate(clusters(60, seed=1)[0], start=200):
        truth.put(slot, vector, index)
    assert index.settle(60)
    assert len(index.sample) >= 256
    index.close()


def test_the_facts_add_up(tmp_path: Path) -> None:
    truth = filled(200)
    index = settled(tmp_path, truth)
    truth.drop(3, index)
    truth.put(4, clusters(1, seed=2)[0][0], index)
    facts = index.facts()
    assert (facts.tracks, facts.positions, facts.dead) == (199, 201, 2)
    assert facts.bytes > 200 * 16 * 4
    index.save()
    age = index.facts().snapshot_age_s
    assert age is not None
    assert age < 20
    index.close()


def test_closing_does_not_wait_for_a_sample_of_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def waiting(shared: Shared, total: int) -> Iterator[np.ndarray]:
        begun.set()
        assert shared.stopping.wait(20)
        yield from blocks(shared, total)

    blocks = Shared._blocks
    monkeypatch.setattr(Shared, "_blocks", waiting)
    truth = Truth()
    index = opened(tmp_path, truth)
    for slot, vector in enumerate(clusters(300)[0]):
        truth.put(slot, vector, index)
    assert begun.wait(20)
    index.close()
    assert index._keeper.failures == 0
    monkeypatch.undo()
    index = settled(tmp_path, truth)
    assert len(index.sample) >= 256
    complete(index, truth)
    index.close()
