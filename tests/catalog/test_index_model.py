"""The index against a dictionary: whatever happens, in whatever order, both give the same answers."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from index_kit import DIM, SMALL, Truth, clusters, opened

POOL = clusters(2_000, seed=11)[0]
SLOTS = 160


TUNING = replace(SMALL, cells=4, cells_from=100, cells_enough=40)


class IndexMachine(RuleBasedStateMachine):
    """A store that holds the truth, and an index over it that is closed, killed and damaged."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.truth = Truth()
        self.index = opened(self.folder, self.truth, TUNING)
        self.used = 0

    def teardown(self) -> None:
        self.index.close()
        shutil.rmtree(self.folder)
        assert self.index._keeper.failures == 0

    def vector(self) -> np.ndarray:
        self.used += 1
        return POOL[self.used % len(POOL)]

    @initialize(count=st.integers(0, SLOTS))
    def begin(self, count: int) -> None:
        for slot in range(count):
            self.truth.put(slot, self.vector(), self.index)

    @rule(slots=st.lists(st.integers(0, SLOTS - 1), min_size=1, max_size=40))
    def put(self, slots: list[int]) -> None:
        """New tracks, and other vectors for known ones."""
        for slot in slots:
            self.truth.put(slot, self.vector(), self.index)

    @precondition(lambda self: self.truth.stored)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        there = sorted(slot for slot, _ in self.truth.stored.values())
        for slot in data.draw(st.sets(st.sampled_from(there), max_size=30)):
            self.truth.drop(slot, self.index)

    @rule()
    def settle(self) -> None:
        assert self.index.settle(60)
        assert self.index.degraded is None

    @rule()
    def save(self) -> None:
        self.index.save()

    @rule()
    def reopen(self) -> None:
        self.index.close()
        assert self.index._keeper.failures == 0
        self.index = opened(self.folder, self.truth, TUNING)

    @rule(puts=st.integers(0, 20), drops=st.integers(0, 20), damage=st.sampled_from(["none", "cut", "flip", "gone"]))
    def crash(self, puts: int, drops: int, damage: str) -> None:
        """The index's last snapshot is older than the store, or worse."""
        with self.index._shared.shaping:  # not while one is being written
            survived = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        for row in list(self.truth.stored)[:drops]:
            self.truth.drop(self.truth.stored[row][0], self.index)
        for slot in range(puts):
            self.truth.put(slot, self.vector(), self.index)
        self.index.close()
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        for name, content in survived.items():
            (self.folder / name).write_bytes(hurt(content, damage))
        self.index = opened(self.folder, self.truth, TUNING)

    @invariant()
    def as_many(self) -> None:
        assert len(self.index) == len(self.truth.stored)

    @rule(seed=st.integers(0, 50), count=st.integers(1, 30))
    def exact_search_is_brute_force(self, seed: int, count: int) -> None:
        query = POOL[-1 - seed]
        assert self.index.search(query, count, exact=True).slots.tolist() == self.truth.nearest(query, count)

    @rule(seed=st.integers(0, 50), kept=st.sets(st.integers(0, SLOTS + 20)))
    def a_filter_keeps_what_it_says(self, seed: int, kept: set[int]) -> None:
        query, allowed = POOL[-1 - seed], np.zeros(SLOTS + 21, np.bool_)
        allowed[sorted(kept)] = True
        wanted = self.truth.nearest(query, 5, kept)
        assert self.index.search(query, 5, allowed, exact=True).slots.tolist() == wanted
        found = self.index.search(query, 5, allowed).slots.tolist()
        assert len(found) == len(wanted) == len(set(found))
        assert {*found} <= kept

    @rule()
    def everything_is_found_by_its_vector(self) -> None:
        for slot, vector in self.truth.stored.values():
            assert self.index.search(vector, 1).similarity[0] >= 1 - 1e-5
            assert slot in self.index.search(vector, 3).slots

    @rule()
    def vectors_are_those_of_the_store(self) -> None:
        vectors, there = self.index.vectors_of(np.arange(SLOTS + 5))
        wanted = dict(self.truth.stored.values())
        assert np.flatnonzero(there).tolist() == sorted(wanted)
        for slot, vector in wanted.items():
            np.testing.assert_array_equal(vectors[slot], vector)


def hurt(content: bytes, damage: str) -> bytes:
    if damage == "cut":
        return content[: len(content) // 2]
    if damage == "gone":
        return b""
    if damage == "flip" and content:
        middle = len(content) // 3
        return content[:middle] + bytes([content[middle] ^ 16]) + content[middle + 1 :]
    return content


assert SMALL.graph_from < SLOTS
assert POOL.shape[1] == DIM
TestIndex = IndexMachine.TestCase
TestIndex.settings = settings(
    max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
