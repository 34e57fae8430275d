"""Putting tracks: what is stored of an upload or an embedding, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from catalog_plane_kit import CURRENT, DIM, Kit, deployment_in, heard, refused, upload
from catalog_standin import metadata

from sonotype.catalog.port import EVERYTHING
from sonotype.catalog.track import Track
from sonotype.core.errors import Code
from sonotype.core.types import Analysis, Lane, Upload
from sonotype.plane.catalog.tracks import request_hash
from sonotype.plane.catalog.values import Submission
from sonotype.plane.deployment import Deployment
from sonotype.plane.query import AnalyzeQuery


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deployment_in(tmp_path_factory.mktemp("tracks"))


@pytest.fixture
def kit(deployment: Deployment) -> Kit:
    return Kit(deployment)


def one(id_: str | None = None, **fields: object) -> Submission:
    return Submission(metadata(**fields), id=id_)


async def test_an_upload_is_embedded_and_described_in_one_analysis(kit: Kit) -> None:
    catalog = await kit.open()
    sent = replace(one("a", title=" Song ", tags=("Rock", "rock", " Live  Set ")), lane=Lane.BULK, client="me")
    stored = await catalog.put_track(sent, upload(1))
    track = stored.track
    assert (stored.created, stored.replayed) == (True, False)
    assert (track.metadata.title, track.metadata.tags) == ("Song", ("rock", "live set"))
    assert track.metadata.duration_s == 12.5
    assert track.content_sha256 == upload(1).sha256
    assert track.generations == (kit.generations.current,)
    np.testing.assert_allclose(
        (await kit.engine.vectors(["a"]))["a"], heard(upload(1).data) / np.linalg.norm(heard(upload(1).data)), atol=1e-6
    )
    (asked,) = kit.asked
    assert asked.models == ("fake@1", "fake", "plain", "loud")
    assert (asked.lane, asked.client) == (Lane.BULK, "me")


async def test_what_is_kept_of_labels_and_evidence(kit: Kit) -> None:
    catalog = await kit.open()
    track = (await catalog.put_track(one(), upload(2))).track
    scores = [label.score for label in track.labels]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.05
    assert {label.model for label in track.labels} <= {"fake@1", "plain@1", "loud@1"}
    assert "quiet" not in {label.label for label in track.labels if label.model == "fake@1"}, "its score is 0.01"
    shares = [evidence.share for evidence in track.evidence]
    assert shares == sorted(shares, reverse=True)
    assert all(share > 0 for share in shares)
    heads = {head.card.address: head for head in kit.deployment.heads.values()}
    for evidence in track.evidence:
        classifier = heads[evidence.model].classifier
        index = classifier.ids.index(evidence.prototype)
        assert evidence.label == classifier.labels[classifier.owners[index]], "a prototype speaks for its own class"


async def test_a_network_that_only_embeds_leaves_no_labels(kit: Kit) -> None:
    catalog = await kit.open(labellers=("plain", "nobody"))
    track = (await catalog.put_track(one(), upload(2))).track
    assert {label.model for label in track.labels} == {"plain@1"}
    assert kit.asked[0].models == ("fake@1", "plain")


async def test_the_duration_that_a_client_gives_stays(kit: Kit) -> None:
    catalog = await kit.open()
    assert (await catalog.put_track(one(duration_s=99.0), upload(1))).track.metadata.duration_s == 99.0


async def test_a_measured_duration_is_stored_in_milliseconds(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    analyze = kit.analyze

    async def measured(sent: Upload, query: AnalyzeQuery) -> Analysis:
        found = await analyze(sent, query)
        return replace(found, clip=replace(found.clip, duration_s=14.00108843537415))

    monkeypatch.setattr(kit, "analyze", measured)
    catalog = await kit.open()
    assert (await catalog.put_track(one(), upload(1))).track.metadata.duration_s == 14.001


async def test_silence_has_no_place_in_the_catalogue(kit: Kit) -> None:
    catalog = await kit.open()
    kit.silent = True
    with refused(Code.ITEM_FAILED, "zero"):
        await catalog.put_track(one("a"), upload(1))
    assert not kit.engine.rows


async def test_an_embedding_gets_the_evidence_of_the_heads_that_read_it(kit: Kit) -> None:
    catalog = await kit.open()
    sent = replace(one("a"), embedding=heard(b"x"), embedding_of=CURRENT)
    track = (await catalog.put_track(sent)).track
    assert not kit.asked
    assert track.content_sha256 is track.metadata.duration_s is None
    assert {label.model for label in track.labels} == {"plain@1", "loud@1"}
    direct = await kit.engine.vectors(["a"])
    np.testing.assert_allclose(direct["a"] @ heard(b"x"), np.linalg.norm(heard(b"x")), rtol=1e-5)
    other = await Kit(kit.deployment).open("fake@small")
    stored = await other.put_track(replace(one(), embedding=heard(b"x", 4)))
    assert (stored.track.labels, stored.track.evidence) == ((), ()), "the prototypes stand on another embedding"


@pytest.mark.parametrize(
    ("embedding", "of", "words"),
    [
        (np.ones(DIM - 1, np.float32), None, ("16", "15")),
        (np.ones((2, DIM), np.float32), None, ("16",)),
        (np.full(DIM, np.nan, np.float32), None, ("not finite",)),
        (np.full(DIM, 1e39), None, ("not finite",)),
        (np.zeros(DIM, np.float32), None, ("zero",)),
        (np.ones(DIM, np.float32), "musicnn-msd@penultimate", ("fake@vector", "musicnn-msd@penultimate")),
        (np.ones(4, np.float32), "fake@small", ("fake@vector",)),
    ],
)
async def test_bad_embeddings_are_refused(kit: Kit, embedding: object, of: str | None, words: tuple[str, ...]) -> None:
    catalog = await kit.open()
    with refused(Code.INVALID_REQUEST, *words):
        await catalog.put_track(Submission(metadata(), embedding=embedding, embedding_of=of))  # type: ignore[arg-type]
    assert not kit.engine.rows


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        (one("a b"), "track id"),
        (one(".."), "dots"),
        (one("x" * 129), "128"),
        (one(""), "track id"),
        (one(title="x" * 10_240), "512"),
        (one(artist="\x00"), "artist"),
        (one(album="\ud800"), "album"),
        (one(collection=""), "collection"),
        (one(collection="a/b"), "collection"),
        (one(external_id="x" * 2049), "external_id"),
        (one(tags=tuple(f"t{i}" for i in range(65))), "64"),
        (one(tags=("x" * 65,)), "64"),
        (one(extra={"x": float("nan")}), "extra"),
        (one(extra={"x": "y" * 8200}), "8192"),
        (one(extra={"x": object()}), "extra"),
        (one(year=0), "year"),
        (one(duration_s=float("inf")), "duration_s"),
        (one(duration_s=-1.0), "duration_s"),
        (one(tempo_bpm=0.0), "tempo_bpm"),
        (one(mbid="no"), "MBID"),
        (one(isrc="no"), "ISRC"),
        (replace(one(), idempotency_key=""), "idempotency"),
        (replace(one(), idempotency_key="é"), "idempotency"),
        (replace(one(), idempotency_key="x" * 256), "255"),
        (replace(one(), embedding=np.ones(DIM, np.float32)), "exactly one"),
        (replace(one(), embedding_of=CURRENT), "embedding_of"),
    ],
)
async def test_what_is_beyond_the_limits_is_refused_before_any_work(kit: Kit, sent: Submission, word: str) -> None:
    catalog = await kit.open()
    with refused(Code.INVALID_REQUEST, word):
        await catalog.put_track(sent, upload(1))
    assert not kit.asked
    assert not kit.engine.rows


async def test_nothing_to_store_is_refused(kit: Kit) -> None:
    with refused(Code.INVALID_REQUEST, "exactly one"):
        await (await kit.open()).put_track(one())


async def test_endless_nesting_is_refused(kit: Kit) -> None:
    extra: dict[str, object] = {}
    inner = extra
    for _ in range(5000):
        inner["x"] = inner = {}
    with refused(Code.INVALID_REQUEST, "extra"):
        await (await kit.open()).put_track(one(extra=extra), upload(1))


async def test_the_same_request_is_done_once(kit: Kit) -> None:
    catalog = await kit.open()
    sent = replace(one(title="Song"), idempotency_key="k", client="me")
    first = await catalog.put_track(sent, upload(1))
    again = await catalog.put_track(replace(sent, timeout_s=3.0), upload(1))
    assert (first.replayed, again.replayed, again.track) == (False, True, first.track)
    for other, audio in ((sent, upload(2)), (replace(sent, id="a"), upload(1)), (one(title="Other"), upload(1))):
        with refused(Code.IDEMPOTENCY_MISMATCH):
            await catalog.put_track(replace(other, idempotency_key="k", client="me"), audio)
    assert not (await catalog.put_track(replace(sent, client="you"), upload(1))).replayed


def test_the_hash_of_a_request_holds_all_of_it() -> None:
    vector = np.ones(DIM, np.float32)
    requests = [
        (one(), None),
        (one("a"), None),
        (one(title="a"), None),
        (one(artist="a"), None),
        (one(extra={"a": 1}), None),
        (one(tags=("a",)), None),
        (replace(one(), embedding=vector), None),
        (replace(one(), embedding=-vector), None),
        (replace(one(), embedding=vector, embedding_of=CURRENT), None),
        (replace(one(), source="a"), None),
        (one(), upload(1)),
        (one(), upload(2)),
    ]
    hashes = [request_hash(*request) for request in requests]
    assert len(set(hashes)) == len(hashes)
    assert request_hash(replace(one(), client="x", lane=Lane.BULK, timeout_s=1.0), None) == hashes[0]


async def test_reading_deleting_and_listing(kit: Kit) -> None:
    catalog = await kit.open()
    for number in range(3):
        await catalog.put_track(one(f"t{number}", tags=("even",) if number % 2 == 0 else ()), upload(number))
    assert (await catalog.track("t1")).id == "t1"
    page = await catalog.tracks(replace(EVERYTHING, tags=("EVEN",)), None, 10)
    assert [track.id for track in page.tracks] == ["t0", "t2"]
    await catalog.delete_track("t1")
    with refused(Code.NOT_FOUND):
        await catalog.track("t1")
    with refused(Code.INVALID_REQUEST):
        await catalog.track("../t1")
    for limit in (0, 201):
        with refused(Code.INVALID_REQUEST, "limit"):
            await catalog.tracks(EVERYTHING, None, limit)


async def test_a_file_that_has_not_changed_is_left_alone(kit: Kit) -> None:
    catalog = await kit.open()
    sent = replace(one(external_id="a.flac", title="Old"), source="a.flac")
    assert await catalog.unchanged(sent, upload(1).sha256) is None
    track = (await catalog.put_track(sent, upload(1))).track
    before = (len(kit.asked), kit.engine.rows[track.id][0])
    assert await catalog.unchanged(sent, upload(1).sha256) == track.id
    assert (len(kit.asked), kit.engine.rows[track.id][0]) == before, "nothing was written"
    assert await catalog.unchanged(sent, upload(2).sha256) is None
    renamed = replace(sent, metadata=replace(sent.metadata, title="New"))
    assert await catalog.unchanged(renamed, upload(1).sha256) == track.id
    after = await catalog.track(track.id)
    assert (after.metadata.title, after.metadata.duration_s, after.source) == ("New", 12.5, "a.flac")
    assert (after.labels, after.evidence, after.generations) == (track.labels, track.evidence, track.generations)
    assert len(kit.asked) == before[0]


@pytest.mark.parametrize("deleted", [True, False])
async def test_what_happens_to_a_track_while_its_file_is_compared_stands(kit: Kit, *, deleted: bool) -> None:
    catalog = await kit.open()
    sent = replace(one(external_id="a.flac", title="Old"), source="a.flac")
    track = (await catalog.put_track(sent, upload(1))).track
    find = kit.engine.find

    async def find_and_lose(collection: str, external_id: str) -> Track | None:
        found = await find(collection, external_id)
        if deleted:
            await catalog.delete_track(track.id)
        else:
            await catalog.put_track(replace(sent, metadata=replace(sent.metadata, title="By hand")), upload(1))
        return found

    kit.engine.find = find_and_lose  # type: ignore[method-assign]
    renamed = replace(sent, metadata=replace(sent.metadata, title="New"))
    assert await catalog.unchanged(renamed, upload(1).sha256) is None
    left = await kit.engine.get_many([track.id])
    assert [one.metadata.title for one in left] == ([] if deleted else ["By hand"])


async def test_jobs_need_their_file(kit: Kit) -> None:
    catalog = await kit.open()
    with refused(Code.UNAVAILABLE, "jobs"):
        await catalog.jobs(None, 5)
