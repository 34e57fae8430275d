"""The catalogue against a dictionary: whatever is done to both in whatever order, they tell the same."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from conformance import DIM, GEN, NEXT, refused, unit, vector
from embedded_kit import ids_of, opened
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sonotype.catalog.port import Range, TrackFilter
from sonotype.catalog.track import Draft, Metadata
from sonotype.core.errors import Code

IDS = st.sampled_from(["a", "b", "c", "d"])
SEEDS = st.integers(1, 30)
METADATA = st.builds(
    Metadata,
    collection=st.sampled_from(["default", "other"]),
    external_id=st.none() | st.sampled_from(["x", "y"]),
    artist=st.none() | st.sampled_from(["One", "Two"]),
    year=st.none() | st.integers(2000, 2003),
    tags=st.sampled_from([(), ("rock",), ("jazz",), ("jazz", "rock")]),
)
CONTENTS = st.none() | st.sampled_from(["aa" * 32, "bb" * 32])


@dataclass(frozen=True)
class Entry:
    """A track of the model."""

    id: str
    metadata: Metadata
    content: str | None
    vectors: dict[str, int] = field(default_factory=dict)


class CatalogMachine(RuleBasedStateMachine):
    """The dictionary keeps the order of creation."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.model: dict[str, Entry] = {}
        self.current = GEN
        self.generations = {GEN}
        self.open()

    def open(self) -> None:
        self.catalog = self.run(opened(Path(self.folder.name)))

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.run(self.catalog.aclose())
            self.runner.close()
            self.folder.cleanup()

    def meant(self, id_: str | None, metadata: Metadata, content: str | None) -> Entry | str | None:
        """The track that a draft replaces; "conflict" where there are two."""
        entries = self.model.values()
        key = (metadata.collection, metadata.external_id)
        named = [
            one
            for one in entries
            if metadata.external_id and (one.metadata.collection, one.metadata.external_id) == key
        ]
        if id_ is not None:
            return "conflict" if named and named[0].id != id_ else self.model.get(id_)
        if named or metadata.external_id:
            return named[0] if named else None
        same = [
            one
            for one in entries
            if content and one.content == content and one.metadata.collection == metadata.collection
            and one.metadata.external_id is None
        ]  # fmt: skip
        return same[0] if same else None

    @rule(id_=st.none() | IDS, metadata=METADATA, content=CONTENTS, seed=SEEDS, where=st.sampled_from(["", GEN, NEXT]))
    def put(self, id_: str | None, metadata: Metadata, content: str | None, seed: int, where: str) -> None:
        vectors = {where: seed} if where in self.generations else {}
        draft = Draft(metadata, {name: vector(seed) for name in vectors}, id_, content)
        old = self.meant(id_, metadata, content)
        if isinstance(old, str):
            with refused(Code.CONFLICT):
                self.run(self.catalog.put(draft))
            return
        stored = self.run(self.catalog.put(draft))
        assert stored.created == (old is None)
        assert old is None or stored.track.id == old.id
        assert id_ is None or stored.track.id == id_
        kept = old.vectors if old is not None and old.content == content else {}
        self.model[stored.track.id] = Entry(stored.track.id, metadata, content, kept | vectors)

    @rule(id_=IDS)
    def delete(self, id_: str) -> None:
        if self.model.pop(id_, None) is None:
            with refused(Code.NOT_FOUND):
                self.run(self.catalog.delete(id_))
        else:
            self.run(self.catalog.delete(id_))

    @rule(id_=IDS, content=CONTENTS, seed=SEEDS)
    def put_vector(self, id_: str, content: str | None, seed: int) -> None:
        name = sorted(self.generations)[-1]
        one = self.model.get(id_)
        done = self.run(self.catalog.put_vector(id_, name, vector(seed), content))
        assert done == (one is not None and one.content == content)
        if one is not None and done:
            self.model[id_] = replace(one, vectors=one.vectors | {name: seed})

    @rule()
    def add_generation(self) -> None:
        self.run(self.catalog.add_generation("net@pool", NEXT, "02" * 32, DIM))
        self.generations.add(NEXT)

    @rule(name=st.sampled_from([GEN, NEXT]))
    def promote(self, name: str) -> None:
        if name in self.generations:
            assert self.run(self.catalog.promote(name)).current
            self.current = name

    @rule()
    def drop_generation(self) -> None:
        if self.current == GEN and NEXT in self.generations:
            self.run(self.catalog.drop_generation(NEXT))
            self.generations.discard(NEXT)
            for id_, one in self.model.items():
                self.model[id_] = replace(one, vectors={name: s for name, s in one.vectors.items() if name != NEXT})

    @rule()
    def restart(self) -> None:
        self.run(self.catalog.aclose())
        self.open()

    @rule(seed=SEEDS, tag=st.sampled_from([(), ("jazz",)]), exclude=st.lists(IDS, max_size=2), exact=st.booleans())
    def search(self, seed: int, tag: tuple[str, ...], exclude: list[str], exact: bool) -> None:
        where = TrackFilter(tags=tag)
        found = self.run(self.catalog.search(vector(seed), 50, where=where, exclude=exclude, exact=exact)).candidates
        may = {
            id_: float(unit(vector(one.vectors[self.current])) @ unit(vector(seed)))
            for id_, one in self.model.items()
            if self.current in one.vectors and id_ not in exclude and set(tag) <= set(one.metadata.tags)
        }
        assert set(found.ids) == set(may)
        assert len(found.ids) == len(may)
        np.testing.assert_allclose(found.similarity, sorted(may.values(), reverse=True), atol=1e-5)

    @rule(year=st.integers(2000, 2003), artist=st.sampled_from([(), ("one",), ("TWO", "One")]))
    def listing(self, year: int, artist: tuple[str, ...]) -> None:
        where = TrackFilter(artists=artist, year=Range(year, None))
        names = {name.casefold() for name in artist}
        assert self.run(ids_of(self.catalog, where)) == [
            id_
            for id_, one in self.model.items()
            if one.metadata.year is not None
            and one.metadata.year >= year
            and (not names or (one.metadata.artist or "").casefold() in names)
        ]

    @invariant()
    def same(self) -> None:
        if not hasattr(self, "model"):
            return
        assert self.run(ids_of(self.catalog)) == list(self.model)
        tracks = {track.id: track for track in self.run(self.catalog.get_many(list(self.model)))}
        for id_, one in self.model.items():
            track = tracks[id_]
            assert (track.metadata, track.content_sha256) == (one.metadata, one.content)
            assert set(track.generations) == set(one.vectors)
        status = self.run(self.catalog.status())
        assert status.tracks == len(self.model)
        assert status.stale == sum(self.current not in one.vectors for one in self.model.values())


TestMachine = CatalogMachine.TestCase
TestMachine.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
