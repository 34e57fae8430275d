"""What is found, and what is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest
from index_kit import DIM, SMALL, Truth, clusters, opened, settled, unit

from sonotype.catalog.index.index import GenerationIndex
from sonotype.catalog.index.values import Booleans, Integers, Tuning
from sonotype.core.types import Floats

Shelf = tuple[GenerationIndex, Truth, Integers]


def chosen(slots: Integers, size: int) -> Booleans:
    allowed = np.zeros(size, np.bool_)
    allowed[slots] = True
    return allowed


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """3 000 vectors in a graph, with the cluster of each."""
    vectors, of = clusters(3_000)
    truth = Truth()
    truth.fill(vectors)
    index = settled(tmp_path_factory.mktemp("index"), truth)
    yield index, truth, of
    index.close()


def recall(index: GenerationIndex, truth: Truth, queries: Floats, allowed: Booleans | None = None) -> float:
    members = None if allowed is None else set(np.flatnonzero(allowed).tolist())
    found = [index.search(query, 10, allowed) for query in queries]
    wanted = [truth.nearest(query, 10, members) for query in queries]
    return float(
        np.mean([len({*hits.slots} & {*slots}) / len(slots) for hits, slots in zip(found, wanted, strict=True)])
    )


def test_every_vector_is_found_by_the_next_search(tmp_path: Path) -> None:
    truth = Truth()
    index = opened(tmp_path, truth)
    vectors, _ = clusters(400)
    for slot, vector in enumerate(vectors):
        truth.put(slot, vector, index)
        assert index.search(vector, 1).slots.tolist() == [slot]
        assert index.search(vector, 1, exact=True).slots.tolist() == [slot]
        assert len(index) == slot + 1
    assert index.settle(60)
    assert index.facts().tail == 0
    assert [index.search(vector, 1).slots.tolist() for vector in vectors] == [[slot] for slot in range(400)]
    index.close()


def test_a_removed_vector_is_in_no_answer(tmp_path: Path) -> None:
    vectors, _ = clusters(300)
    truth = Truth()
    truth.fill(vectors)
    index = settled(tmp_path, truth)
    for slot in range(0, 300, 7):
        truth.drop(slot, index)
        for exact in (False, True):
            assert slot not in index.search(vectors[slot], 300, exact=exact).slots
    index.close()


def test_answers_are_sorted_and_without_repetition(shelf: Shelf) -> None:
    index, _, _ = shelf
    hits = index.search(clusters(1, seed=1)[0][0], 50)
    assert len(set(hits.slots.tolist())) == len(hits.slots) == 50
    assert (np.diff(hits.similarity) <= 0).all()
    vectors, there = index.vectors_of(hits.slots)
    assert there.all()
    np.testing.assert_allclose(vectors @ clusters(1, seed=1)[0][0], hits.similarity, atol=1e-5)


def test_the_graph_finds_what_comparing_finds(shelf: Shelf) -> None:
    index, truth, _ = shelf
    queries = clusters(50, seed=2)[0]
    assert not index.search(queries[0], 10).exact
    assert recall(index, truth, queries) >= 0.95


@pytest.mark.parametrize("share", [0.5, 0.1, 0.02])
def test_a_filter_costs_no_recall(shelf: Shelf, share: float) -> None:
    index, truth, _ = shelf
    allowed = np.random.default_rng(3).random(3_000) < share
    assert recall(index, truth, clusters(30, seed=4)[0], allowed) >= 0.95


@pytest.mark.parametrize("kept", [[0], [1, 2, 3, 4]])
def test_a_filter_that_goes_with_the_vectors_costs_none_either(shelf: Shelf, kept: list[int]) -> None:
    index, truth, of = shelf
    allowed = np.isin(of, kept)
    queries = clusters(40, seed=5)[0]
    assert recall(index, truth, queries, allowed) >= 0.95
    assert {index.search(query, 10, allowed).exact for query in queries} == {True, False}


def test_a_filter_far_from_the_query_is_served_by_the_cells_around(tmp_path: Path) -> None:
    vectors, of = clusters(3_000)
    truth = Truth()
    truth.fill(vectors)
    tuning = replace(SMALL, cells=32, cells_from=1_000, cells_enough=400, comparison_us=0.1)
    settled(tmp_path, truth, tuning).close()
    index = opened(tmp_path, truth, tuning)  # the map is in the snapshot
    allowed, queries = np.isin(of, [1, 2, 3]), clusters(40, seed=5)[0]
    assert recall(index, truth, queries, allowed) >= 0.95
    assert not any(index.search(query, 10, allowed).exact for query in queries)
    assert index.search(queries[0], 10, allowed, exact=True).exact
    for slot in np.flatnonzero(allowed)[::10]:
        assert index.search(vectors[slot], 1, allowed).slots.tolist() == [slot]
    index.close()


def test_few_allowed_ones_come_all(shelf: Shelf) -> None:
    index, _, _ = shelf
    hits = index.search(clusters(1)[0][0], 10, chosen(np.array([5, 2_999]), 3_000))
    assert sorted(hits.slots.tolist()) == [5, 2_999]
    assert hits.exact


def test_slots_beyond_the_filter_are_not_allowed(shelf: Shelf) -> None:
    index, _, _ = shelf
    assert index.search(clusters(1)[0][0], 3_000, np.ones(7, np.bool_)).slots.max() == 6
    assert len(index.search(clusters(1)[0][0], 10, np.ones(0, np.bool_)).slots) == 0
    assert len(index.search(clusters(1)[0][0], 10, np.ones(1_000_000, np.bool_)).slots) == 10


def test_no_more_come_than_there_are(tmp_path: Path) -> None:
    truth = Truth()
    index = opened(tmp_path, truth)
    query = unit(np.ones(DIM))
    assert index.search(query, 10).slots.tolist() == []
    truth.put(3, query, index)
    assert index.search(query, 10).slots.tolist() == [3]
    assert index.search(query, 0).slots.tolist() == []
    index.close()


def test_equal_vectors_are_all_found(tmp_path: Path) -> None:
    vectors, _ = clusters(600)
    vectors[200:] = vectors[0]  # they link to nothing but each other
    vectors[500:] = clusters(100, seed=9)[0]
    truth = Truth()
    truth.fill(vectors)
    index = settled(tmp_path, truth)
    assert {*index.search(vectors[0], 301).slots.tolist()} == {0, *range(200, 500)}
    for slot in (*range(1, 200), *range(500, 600)):
        assert index.search(vectors[slot], 1).slots.tolist() == [slot]
    index.close()


def test_a_vector_that_the_graph_does_not_lead_to_is_found_all_the_same(tmp_path: Path) -> None:
    vectors, _ = clusters(600)
    truth = Truth()
    truth.fill(vectors)
    index = settled(tmp_path, truth)
    hnsw = index._shared.held.segment._index.hnsw
    links = faiss.rev_swig_ptr(hnsw.neighbors.data(), hnsw.neighbors.size())
    links[links == 77] = -1  # nobody knows it any more
    assert 77 not in index.search(vectors[77], 5).slots
    index._shared.check(index._shared.held.segment, np.arange(600))
    assert index.facts().strays >= 1
    assert index.search(vectors[77], 5).slots[0] == 77
    truth.drop(77, index)
    assert 77 not in index.search(vectors[77], 5).slots
    index.close()


def test_a_search_sees_a_replacement_entirely_or_not_at_all(tmp_path: Path) -> None:
    vectors, _ = clusters(200)
    truth = Truth()
    truth.fill(vectors)
    index = settled(tmp_path, truth)
    only, counts, stop = chosen(np.array([7]), 200), [], threading.Event()

    def look() -> None:
        while not stop.is_set():
            counts.append(len(index.search(vectors[7], 5, only).slots))

    thread = threading.Thread(target=look)
    thread.start()
    others, puts = clusters(300, seed=1)[0], 0
    while puts < 300 or len(counts) < 50:
        truth.put(7, others[puts % 300], index)
        puts += 1
    stop.set()
    thread.join()
    assert set(counts) == {1}
    index.close()


def test_searches_and_adds_at_once_lose_nothing(tmp_path: Path) -> None:
    vectors, _ = clusters(2_000)
    truth = Truth()
    index, wrong = opened(tmp_path, truth), []
    done = threading.Event()

    def look() -> None:
        rng = np.random.default_rng()
        while not done.is_set():
            there = len(index)
            slot = int(rng.integers(there)) if there else None
            if slot is not None and slot not in index.search(vectors[slot], 3).slots:
                wrong.append(slot)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for slot, vector in enumerate(vectors):
        truth.put(slot, vector, index)
    assert index.settle(60)
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    index.close()


def test_a_known_row_is_not_added_twice(tmp_path: Path) -> None:
    truth = Truth()
    index = opened(tmp_path, truth)
    vectors, _ = clusters(3)
    row = truth.put(1, vectors[0], index)
    index.add(row, 1, vectors[0])
    assert index.facts().positions == 1
    index.remove(row)
    index.remove(row)
    index.remove(999)
    index.add(row, 1, vectors[0])
    assert len(index) == 0
    truth.put(2, vectors[1])
    index.add(5, 2, vectors[1])
    with pytest.raises(ValueError, match="row 4 comes after row 5"):
        index.add(4, 3, vectors[2])
    with pytest.raises(ValueError, match="shape"):
        index.add(6, 3, vectors[2][:-1])
    index.close()


def test_an_unknown_slot_has_no_vector(tmp_path: Path) -> None:
    truth = Truth()
    index = opened(tmp_path, truth)
    truth.put(4, clusters(1)[0][0], index)
    vectors, there = index.vectors_of(np.array([4, 0, -1, 10**9]))
    assert there.tolist() == [True, False, False, False]
    assert not vectors[1:].any()
    assert index.statistics_of(np.array([4, 10**9]))[1].tolist() == [0, 0]
    index.close()


def test_the_default_tuning_compares_with_all_of_a_small_catalogue(tmp_path: Path) -> None:
    vectors, _ = clusters(2_500)
    truth = Truth()
    truth.fill(vectors)
    index = settled(tmp_path, truth, Tuning())
    assert index.search(vectors[0], 10).exact
    index.close()
