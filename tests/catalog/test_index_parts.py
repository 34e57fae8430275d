"""The parts of the index that stand for themselves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
from index_kit import DIM, clusters

from sonotype.catalog.index import cells, sample
from sonotype.catalog.index.lock import ReadersWriterLock
from sonotype.catalog.index.positions import Positions
from sonotype.catalog.index.segment import Segment, top
from sonotype.catalog.index.tail import Tail
from sonotype.catalog.index.values import Tuning


def started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_readers_are_together_and_a_writer_is_alone() -> None:
    lock, inside, together, alone = ReadersWriterLock(), [0], [], []

    def read() -> None:
        for _ in range(200):
            with lock.reading():
                inside[0] += 1
                together.append(inside[0])
                time.sleep(0)
                inside[0] -= 1

    def write() -> None:
        for _ in range(50):
            with lock.writing():
                alone.append(inside[0])

    threads = [started(read) for _ in range(4)] + [started(write) for _ in range(2)]
    for thread in threads:
        thread.join()
    assert set(alone) == {0}
    assert len(together) == 800


def test_readers_do_not_starve_behind_a_busy_writer() -> None:
    lock, done, reads = ReadersWriterLock(), threading.Event(), []

    def write() -> None:
        while not done.is_set():
            with lock.writing():
                time.sleep(0.001)

    writer = started(write)
    for _ in range(50):
        with lock.reading():
            reads.append(time.monotonic())
    done.set()
    writer.join()
    assert len(reads) == 50


def test_a_writer_does_not_starve_behind_busy_readers() -> None:
    lock, done = ReadersWriterLock(), threading.Event()

    def read() -> None:
        while not done.is_set():
            with lock.reading():
                time.sleep(0.0005)

    readers = [started(read) for _ in range(4)]
    for _ in range(30):
        with lock.writing():
            pass
    done.set()
    for reader in readers:
        reader.join()


def test_the_greatest_come_first_and_equal_ones_in_order() -> None:
    assert top(np.array([1, 3, 2, 3], np.float32), 3).tolist() == [1, 3, 2]
    assert top(np.array([1, 1, 1, 1], np.float32), 4).tolist() == [0, 1, 2, 3]
    assert top(np.empty(0, np.float32), 3).tolist() == []
    assert top(np.array([1, 2], np.float32), 0).tolist() == []


def test_a_tail_forgets_its_beginning_and_keeps_its_positions() -> None:
    vectors, _ = clusters(5_000)
    tail = Tail(DIM, 10)
    for number, vector in enumerate(vectors):
        tail.append(vector)
        if number % 7 == 6:
            tail.drop(5)
    assert tail.start == 10 + 5 * (5_000 // 7)
    assert len(tail) == 5_010 - tail.start
    np.testing.assert_array_equal(tail.first(len(tail)), vectors[tail.start - 10 :])
    np.testing.assert_array_equal(tail.vectors(np.array([5_009, tail.start])), vectors[[4_999, tail.start - 10]])


def test_a_tail_that_is_read_does_not_change_under_the_reader() -> None:
    tail = Tail(DIM)
    vectors, _ = clusters(3_000)
    tail.append(vectors[0])
    view = tail.first(1)
    for vector in vectors[1:]:
        tail.append(vector)
    np.testing.assert_array_equal(view, vectors[:1])


def test_an_instant_does_not_change() -> None:
    positions = Positions()
    positions.append(1, 5, 0, 0)
    before = positions.now
    positions.append(2, 5, 0, 0)
    assert before.alive(np.array([0])).tolist() == [True]
    assert positions.now.alive(np.array([0, 1])).tolist() == [False, True]
    assert (before.live, positions.now.live) == (1, 1)
    assert positions.remove(2)
    assert not positions.remove(2)
    assert not positions.remove(1)
    assert positions.now.live == 0


def test_positions_of_a_few_slots_are_those_of_an_instant() -> None:
    positions = Positions()
    for slot in (4, 2, 9, 6):
        positions.append(positions.now.total + 1, slot, 0, 0)
    before, allowed = positions.now, np.ones(40, np.bool_)
    allowed[2] = False
    found = positions.among(before, allowed, 3)
    assert found is not None
    assert sorted(found.tolist()) == [0, 2]
    positions.remove(3)
    found = positions.among(positions.now, allowed, 4)
    assert found is not None
    assert sorted(found.tolist()) == [0, 3]
    positions.append(5, 4, 0, 0)
    assert positions.among(before, allowed, 4) is None
    assert positions.among(positions.now, allowed[:4], 5) is not None


def test_the_columns_grow() -> None:
    positions = Positions()
    for row in range(1, 3_001):
        positions.append(row, 10 * row, row, 0)
    assert positions.places(np.array([10, 30_000, 11, 30_010, 10**9, -1])).tolist() == [0, 2_999, -1, -1, -1, -1]
    assert positions.find(2_500) == 2_499
    assert positions.mean[2_999] == 3_000


def test_comparing_with_some_is_comparing_with_those() -> None:
    vectors, _ = clusters(1_000)
    segment = Segment.linked(DIM, Tuning())
    segment.add(vectors)
    for share in (0.005, 0.3, 1):
        among = np.random.default_rng(0).random(1_000) < share
        positions, similarity = segment.scan(vectors[3], 5, np.flatnonzero(among))
        wanted = np.flatnonzero(among)[np.argsort(-(vectors[among] @ vectors[3]), kind="stable")][:5]
        assert positions.tolist() == wanted.tolist()
        np.testing.assert_allclose(similarity, vectors[wanted] @ vectors[3], atol=1e-6)
    assert len(segment.scan(vectors[0], 5, np.empty(0, np.int64))[0]) == 0


def test_loading_leaves_room_to_grow() -> None:
    segment = Segment.linked(DIM, Tuning())
    segment.add(clusters(100)[0])
    pieces: list[bytes] = []
    segment.write(lambda data: (pieces.append(bytes(data)), len(data))[1])
    data, at = b"".join(pieces), [0]

    def read(size: int) -> bytes:
        at[0] += size
        return data[at[0] - size : at[0]]

    again = Segment.read(read)
    assert again.has_graph
    assert again.size_bytes == segment.size_bytes
    np.testing.assert_array_equal(again.vectors(np.arange(100)), clusters(100)[0])


def test_the_sample_is_chosen_once_and_again_when_the_catalogue_has_outgrown_it() -> None:
    assert not sample.due(255, 0)
    assert sample.due(256, 0)
    assert not sample.due(1_023, 256)
    assert sample.due(1_024, 256)
    positions = np.arange(0, 4_000, 2)
    chosen = sample.choose(positions)
    assert len(chosen) == 512
    assert np.isin(chosen, positions).all()
    assert (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(chosen, sample.choose(positions))


def test_statistics_are_those_of_the_cosines() -> None:
    vectors, _ = clusters(50)
    mean, std = sample.statistics(vectors, vectors[:20])
    cosines = vectors @ vectors[:20].T
    np.testing.assert_allclose(mean, cosines.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(std, cosines.std(axis=1), atol=1e-6)
    assert not np.any(sample.statistics(vectors, vectors[:0]))


def test_cells_around_a_vector_hold_enough_of_what_is_nearest() -> None:
    vectors, _ = clusters(2_000)
    centres = cells.centres(vectors, 8)
    held = cells.Cells(centres, cells.assign(vectors, centres), 2_000)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)
    allowed = np.arange(0, 2_000, 2)
    for vector in vectors[:20]:
        near = held.around(vector, allowed, 100)
        assert 100 <= len(near) < 600
        assert np.isin(near, allowed).all()
        nearest = allowed[top(vectors[allowed] @ vector, 5)]
        assert len(np.intersect1d(near, nearest)) >= 4
    np.testing.assert_array_equal(held.around(vectors[0], allowed, 10_000), allowed)
    assert held.with_more(vectors[:3]).of[-3:].tolist() == held.of[:3].tolist()


def test_no_map_for_few_vectors_and_a_new_one_for_many_more() -> None:
    none = cells.Cells.none(DIM)
    assert not none
    assert not none.due(99, 100)
    assert none.due(100, 100)
    assert none.with_more(clusters(3)[0]) is none
    divided = cells.Cells(np.ones((1, DIM), np.float32), np.zeros(100, np.int16), 100)
    assert divided
    assert not divided.due(399, 100)
    assert divided.due(400, 100)
