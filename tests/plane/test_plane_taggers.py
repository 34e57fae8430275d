"""Taggers over a catalogue: fitted to its tags, taught, stale, and honest about what they cannot do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from catalog_plane_kit import DIM, Kit, deployment_in, heard, refused, upload

from sonotype.catalog.port import TrackFilter
from sonotype.catalog.taggers.store import TaggerStore
from sonotype.catalog.track import Draft, Metadata
from sonotype.core.errors import Code
from sonotype.core.types import Floats
from sonotype.plane.catalog import tagger_limits as bounds
from sonotype.plane.catalog.labelled import read_csv
from sonotype.plane.catalog.tagger_values import Feedback, NewTagger, TagQuery
from sonotype.plane.catalog.taggers import Taggers

KINDS = ("rock", "jazz", "folk")


class Shop:
    """Taggers on a catalogue in memory."""

    def __init__(self, kit: Kit, store: TaggerStore) -> None:
        self.kit = kit
        self.taggers = Taggers(kit.engine, kit.generations, kit.tracks, store, nullcontext)
        self.generation = kit.generations.current

    async def put(self, name: str, vector: Floats, *tags: str, artist: str | None = None) -> None:
        metadata = Metadata(artist=artist, tags=tags)
        await self.kit.engine.put(Draft(metadata, {self.generation: vector}, id=name))


def around(kind: int, seed: int) -> Floats:
    random = np.random.default_rng([kind, seed])
    return (np.eye(len(KINDS), DIM)[kind] * 4 + random.normal(size=DIM) * 0.5).astype(np.float32)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    kit = Kit(deployment_in(tmp_path))
    await kit.open()
    store = TaggerStore(tmp_path / "taggers")
    made = Shop(kit, store)
    for number in range(36):
        kind = number % 3
        await made.put(f"{KINDS[kind]}{number}", around(kind, number), KINDS[kind], artist=f"artist {number // 6}")
    await made.put("new", around(0, 999))
    yield made
    store.close()


async def test_tags_of_the_catalogue_become_a_tagger(shop: Shop) -> None:
    info = await shop.taggers.create(NewTagger("kinds", budget=0.25))
    assert info.about.labels == ("folk", "jazz", "rock")
    assert (info.facts.version, info.facts.tracks, info.about.budget) == (1, 36, 9)
    assert not info.stale
    found = await shop.taggers.tag(TagQuery("kinds", tracks=("new", "jazz1")))
    (track, new), (_, jazz) = found.answers
    assert track == "new"
    assert info.about.labels[new.scores.argmax()] == "rock"
    assert info.about.labels[jazz.scores.argmax()] == "jazz"
    assert all(name.startswith("rock") for name in new.near[0].examples)
    infos, fitting = await shop.taggers.all()
    assert [one.about.name for one in infos] == ["kinds"]
    assert fitting == []


async def test_a_filter_and_labels_narrow_it(shop: Shop) -> None:
    where = TrackFilter(any_tags=("rock", "jazz"))
    info = await shop.taggers.create(NewTagger("two", where, labels=("rock",), budget=3))
    assert (info.about.labels, info.facts.tracks) == (("rock",), 24)


async def test_a_table_names_tracks_and_labels(shop: Shop) -> None:
    table = b'id,labels\nrock0,loud;old\njazz1,calm\n\nfolk2,"calm",Old \n'
    info = await shop.taggers.create(NewTagger("mine", csv=table, budget=1.0))
    assert info.about.labels == ("calm", "loud", "old")
    assert info.facts.tracks == 3
    with refused(Code.NOT_FOUND, "nobody"):
        await shop.taggers.create(NewTagger("other", csv=b"rock0,loud\nnobody,calm\n"))


@pytest.mark.parametrize("method", ["entropy", "mrhc", "mchen", "mrsp1", "mrsp2", "mrsp3"])
async def test_every_method_fits_and_learns(shop: Shop, method: str) -> None:
    await shop.taggers.create(NewTagger("kinds", method=method, budget=0.3))
    for number in range(36):
        track = f"{KINDS[number % 3]}{number}"
        await shop.taggers.feedback("kinds", Feedback(track, "rock", positive=number % 2 == 0))
    assert (await shop.taggers.get("kinds")).facts.version == 37


async def test_feedback_changes_the_next_answer(shop: Shop) -> None:
    await shop.taggers.create(NewTagger("kinds", budget=0.25, k=1))
    rock = (await shop.taggers.get("kinds")).about.labels.index("rock")

    async def score() -> float:
        return float((await shop.taggers.tag(TagQuery("kinds", tracks=("new",)))).answers[0][1].scores[rock])

    before = await score()
    outcome = await shop.taggers.feedback("kinds", Feedback("new", "rock", positive=False, event="e1"))
    assert (outcome.change.version, outcome.replayed) == (2, False)
    assert await score() < before
    assert (await shop.taggers.feedback("kinds", Feedback("new", "rock", positive=False, event="e1"))).replayed
    await shop.taggers.undo("kinds", 2)
    assert await score() == before
    await shop.taggers.rollback("kinds", 2)
    assert await score() < before
    versions = await shop.taggers.versions("kinds", 10)
    assert [change.kind for change in versions.changes] == ["rollback", "undo", "feedback"]
    assert versions.current == 4


async def test_an_embedding_and_an_upload_are_tagged(shop: Shop) -> None:
    await shop.taggers.create(NewTagger("kinds", budget=6))
    by_vector = await shop.taggers.tag(TagQuery("kinds", embedding=heard(upload(1).data)))
    by_upload = await shop.taggers.tag(TagQuery("kinds"), upload(1))
    np.testing.assert_array_equal(by_vector.answers[0][1].scores, by_upload.answers[0][1].scores)


async def test_a_stale_tagger_answers_and_mixes_nothing(shop: Shop) -> None:
    await shop.taggers.create(NewTagger("kinds", budget=6))
    other = next(space for space in shop.kit.deployment.networks.values())
    assert other is not None
    await shop.kit.engine.add_generation("other@vector", "other@1.vector.000000000000", "02" * 32, DIM)
    await shop.kit.engine.promote("other@1.vector.000000000000")
    await shop.kit.generations.status()
    await shop.kit.engine.put(Draft(Metadata(), {"other@1.vector.000000000000": around(0, 5)}, id="younger"))
    assert (await shop.taggers.get("kinds")).stale
    found = await shop.taggers.tag(TagQuery("kinds", tracks=("new", "rock0")))
    assert found.tagger.stale
    assert len(found.answers) == 2
    with refused(Code.CONFLICT, "younger", "no embedding"):
        await shop.taggers.tag(TagQuery("kinds", tracks=("younger",)))
    with refused(Code.CONFLICT, "younger"):
        await shop.taggers.feedback("kinds", Feedback("younger", "rock", positive=True))


async def test_known_tracks_outlive_the_catalogue(shop: Shop) -> None:
    await shop.taggers.create(NewTagger("kinds", budget=6))
    await shop.kit.engine.delete("rock0")
    assert len((await shop.taggers.tag(TagQuery("kinds", tracks=("rock0",)))).answers) == 1
    with refused(Code.NOT_FOUND, "nobody"):
        await shop.taggers.tag(TagQuery("kinds", tracks=("nobody",)))


async def test_a_report_measures_and_doubts(shop: Shop) -> None:
    await shop.taggers.create(NewTagger("kinds", budget=6))
    await shop.taggers.feedback("kinds", Feedback("rock0", "rock", positive=False))
    report = await shop.taggers.report("kinds", 5)
    assert (report.tracks, report.artists) == (36, 6)
    assert (report.sizes[-1].mean_average_precision or 0) > 0.9
    assert report.doubts[0].track == "rock0"
    assert (report.doubts[0].label, report.doubts[0].positive) == ("rock", False)


async def test_what_cannot_be_is_refused(shop: Shop) -> None:
    await shop.taggers.create(NewTagger("kinds", budget=6))
    for name in ("", "A", "a b", "../x", "x" * 65):
        with refused(Code.INVALID_REQUEST, "name"):
            await shop.taggers.create(NewTagger(name))
    with refused(Code.CONFLICT, "already"):
        await shop.taggers.create(NewTagger("kinds"))
    for budget in (0.0, -1.0, float("nan"), float("inf")):
        with refused(Code.INVALID_REQUEST, "budget"):
            await shop.taggers.create(NewTagger("other", budget=budget))
    with refused(Code.INVALID_REQUEST, "method"):
        await shop.taggers.create(NewTagger("other", method="magic"))
    with refused(Code.INVALID_REQUEST, "label"):
        await shop.taggers.create(NewTagger("other", TrackFilter(collections=("nothing",))))
    with refused(Code.INVALID_REQUEST, "2 to"):
        await shop.taggers.create(NewTagger("other", csv=b"rock0,loud\n"))
    with refused(Code.INVALID_REQUEST, "no label"):
        await shop.taggers.feedback("kinds", Feedback("new", "metal", positive=True))
    with refused(Code.NOT_FOUND, "track"):
        await shop.taggers.feedback("kinds", Feedback("nobody", "rock", positive=True))
    with refused(Code.INVALID_REQUEST, "event"):
        await shop.taggers.feedback("kinds", Feedback("new", "rock", positive=True, event="a b"))
    with refused(Code.NOT_FOUND, "tagger"):
        await shop.taggers.feedback("other", Feedback("new", "rock", positive=True))
    with refused(Code.INVALID_REQUEST, "finite"):
        await shop.taggers.tag(TagQuery("kinds", embedding=np.full(DIM, np.nan, np.float32)))
    with refused(Code.INVALID_REQUEST, str(DIM)):
        await shop.taggers.tag(TagQuery("kinds", embedding=np.ones(3, np.float32)))
    with refused(Code.INVALID_REQUEST, "upload"):
        await shop.taggers.tag(TagQuery("kinds"))
    with refused(Code.NOT_FOUND, "versions"):
        await shop.taggers.rollback("kinds", 2)
    assert (await shop.taggers.get("kinds")).facts.version == 1
    assert [one.about.name for one in (await shop.taggers.all())[0]] == ["kinds"]


def test_tables_are_read_as_people_write_them() -> None:
    assert read_csv("\ufeffid,labels\r\na,Rock|old  school\r\nb,\r\n".encode()) == {
        "a": ("rock", "old school"),
        "b": (),
    }
    for bad in (b"\xff\xfe", b'a,"x', b"a,x\na,y", b"../,x"):
        with refused(Code.INVALID_REQUEST):
            read_csv(bad)
    with refused(Code.UPLOAD_TOO_LARGE):
        read_csv(b"x" * (bounds.MAX_CSV_BYTES + 1))
