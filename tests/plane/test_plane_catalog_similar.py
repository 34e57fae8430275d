"""Similarity, paths and playlists on a catalogue whose geometry is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from catalog_plane_kit import DIM, Kit, deployment_in, refused, upload
from catalog_standin import metadata
from prometheus_client import REGISTRY

from sonotype.catalog.port import Range, TrackFilter
from sonotype.catalog.ranking.values import Constraints
from sonotype.core.errors import Code
from sonotype.core.types import Floats
from sonotype.plane.catalog.service import CatalogService
from sonotype.plane.catalog.values import Matches, PathQuery, PlaylistQuery, Seed, SimilarQuery, Submission
from sonotype.plane.deployment import Deployment

QUARTER = np.pi / 2


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deployment_in(tmp_path_factory.mktemp("similar"))


@pytest.fixture
def kit(deployment: Deployment) -> Kit:
    return Kit(deployment)


@pytest.fixture
async def catalog(kit: Kit) -> CatalogService:
    """Ten tracks on a quarter of a circle, `t0` … `t9`; neighbours sound alike, two artists take turns."""
    service = await kit.open()
    for number in range(10):
        fields = metadata(
            title=f"Song {number}",
            artist=("Ann", "Bob")[number % 2],
            album=f"Album {number // 5}",
            year=1990 + number,
            tempo_bpm=100.0 + number,
            tags=("early",) if number < 3 else (),
        )
        await service.put_track(Submission(fields, id=f"t{number}", embedding=at(number / 9)))
    return service


def at(share: float) -> Floats:
    """The point at a share of the quarter circle."""
    vector = np.zeros(DIM, np.float32)
    vector[0], vector[1] = np.cos(share * QUARTER), np.sin(share * QUARTER)
    return vector


def ids(matches: Matches) -> list[str]:
    return [match.track.id for match in matches.matches]


def by(*seeds: Seed, **options: object) -> SimilarQuery:
    return SimilarQuery(seeds, **{"k": 3, **options})  # type: ignore[arg-type]


async def test_by_track(kit: Kit, catalog: CatalogService) -> None:
    found = await catalog.similar(by(Seed(track="t0")))
    assert ids(found) == ["t1", "t2", "t3"], "the seed itself never comes"
    assert found.matches[0].similarity == pytest.approx(np.cos(QUARTER / 9), abs=1e-5)
    assert found.matches[0].score == found.matches[0].similarity
    assert (found.generation, found.exact, found.degraded) == (kit.generations.current, True, False)
    assert found.hubness == "none", "ten tracks say nothing of hubs"
    assert found.short_because is None
    assert found.matches[0].why is None


async def test_by_several_with_weights(catalog: CatalogService) -> None:
    assert set(ids(await catalog.similar(by(Seed(track="t0"), Seed(track="t9"), k=2)))) == {"t4", "t5"}
    towards = await catalog.similar(by(Seed(track="t0"), Seed(track="t9", weight=4.0), k=2))
    assert ids(towards) == ["t7", "t8"] or ids(towards) == ["t8", "t7"]
    away = await catalog.similar(by(Seed(track="t5"), Seed(track="t9", weight=-0.5), k=3))
    assert ids(away) == ["t2", "t3", "t1"]
    with refused(Code.INVALID_REQUEST, "cancel"):
        await catalog.similar(by(Seed(track="t0"), Seed(embedding=-at(0))))


async def test_by_embedding(catalog: CatalogService) -> None:
    assert ids(await catalog.similar(by(Seed(embedding=at(1.0) * 7)))) == ["t9", "t8", "t7"]
    for bad, word in ((np.ones(3), "16"), (np.full(DIM, np.nan), "finite"), (np.zeros(DIM), "zero")):
        with refused(Code.INVALID_REQUEST, word):
            await catalog.similar(by(Seed(embedding=bad)))


async def test_by_upload(kit: Kit, catalog: CatalogService) -> None:
    sent = upload(7)
    await catalog.put_track(Submission(metadata(), id="heard"), sent)
    found = await catalog.similar(by(Seed(upload=True), k=1, timeout_s=4.0, client="me"), sent)
    assert ids(found) == ["heard"], "an upload may find itself"
    assert found.matches[0].similarity == pytest.approx(1, abs=1e-5)
    asked = kit.asked[-1]
    assert (asked.models, asked.timeout_s, asked.client) == (("fake@1",), 4.0, "me")
    mixed = await catalog.similar(by(Seed(upload=True), Seed(track="t0", weight=0.01), k=1), sent)
    assert ids(mixed) == ["heard"]


async def test_by_tag(catalog: CatalogService) -> None:
    found = await catalog.similar(by(Seed(tag="Early"), k=3))
    assert set(ids(found)) == {"t0", "t1", "t2"}
    with refused(Code.NOT_FOUND, "late"):
        await catalog.similar(by(Seed(tag="late")))


async def test_by_prototype(kit: Kit, catalog: CatalogService) -> None:
    head = kit.deployment.heads["plain"]
    prototype = head.classifier.ids[2]
    raw = head.classifier.raw_prototypes()[2]
    await catalog.put_track(Submission(metadata(), id="typical", embedding=raw))
    found = await catalog.similar(by(Seed(prototype=prototype), k=1))
    assert ids(found) == ["typical"]
    assert found.matches[0].similarity == pytest.approx(1, abs=1e-5)
    with refused(Code.NOT_FOUND, "prototype"):
        await catalog.similar(by(Seed(prototype="nobody.x.0")))


async def test_by_prototype_of_another_embedding(kit: Kit) -> None:
    catalog = await kit.open("fake@small")
    classifier = kit.deployment.heads["plain"].classifier
    for number in range(4):
        kit.typical = classifier.raw_prototypes()[0 if number == 2 else -1]
        await catalog.put_track(Submission(metadata(), id=f"t{number}"), upload(number))
    tracks = {name: {it.prototype for it in row[0].evidence} for name, row in kit.engine.rows.items()}
    assert [name for name, has in tracks.items() if classifier.ids[0] in has] == ["t2"]
    found = await catalog.similar(by(Seed(prototype=classifier.ids[0]), k=1))
    assert ids(found) == ["t2"], "the direction of its carriers"
    nobody = next(one for one in classifier.ids if not any(one in has for has in tracks.values()))
    with refused(Code.NOT_FOUND, "No track carries"):
        await catalog.similar(by(Seed(prototype=nobody)))


async def test_filters_and_constraints(catalog: CatalogService) -> None:
    where = TrackFilter(artists=("ann",), year=Range(1993, None))
    assert ids(await catalog.similar(by(Seed(track="t0"), where=where))) == ["t4", "t6", "t8"]
    capped = await catalog.similar(by(Seed(track="t0"), k=5, constraints=Constraints(max_per_artist=1)))
    assert ids(capped) == ["t1", "t2"]
    assert capped.short_because is not None
    assert "max_per_artist" in capped.short_because
    near = await catalog.similar(by(Seed(track="t5"), k=9, constraints=Constraints(tempo_within=0.011)))
    assert set(ids(near)) == {"t4", "t6"}
    excluded = await catalog.similar(by(Seed(track="t0"), constraints=Constraints(exclude=("t1", "t2"))))
    assert ids(excluded) == ["t3", "t4", "t5"]
    with refused(Code.INVALID_REQUEST, "duration"):
        await catalog.similar(by(Seed(track="t0"), constraints=Constraints(duration_within=0.1)))
    nothing = await catalog.similar(by(Seed(track="t0"), where=TrackFilter(tags=("no",))))
    assert (nothing.matches, nothing.short_because) == ((), "No other track matches the filter.")


async def test_more_candidates_are_fetched_while_constraints_eat_them(kit: Kit) -> None:
    catalog = await kit.open()
    for number in range(300):
        fields = metadata(artist="Ann" if number < 290 else f"Other {number}")
        await catalog.put_track(Submission(fields, id=f"t{number}", embedding=at(number / 299)))
    found = await catalog.similar(by(Seed(track="t0"), k=5, constraints=Constraints(max_per_artist=1)))
    assert ids(found) == ["t1", "t290", "t291", "t292", "t293"]
    assert [count for count, *_ in kit.engine.searches] == [100, 400]
    assert found.hubness == "mutual_proximity"
    plain = await catalog.similar(by(Seed(track="t0"), k=5, hubness="none"))
    assert (ids(plain), plain.hubness) == (["t1", "t2", "t3", "t4", "t5"], "none")
    assert kit.engine.searches[-1][0] == 5


async def test_duplicates_are_hidden_and_stay(kit: Kit, catalog: CatalogService) -> None:
    mbid = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
    for name, share in (("x", 0.01), ("y", 0.02)):
        await catalog.put_track(Submission(metadata(mbid=mbid), id=name, embedding=at(share)))
    shown = await catalog.similar(by(Seed(track="t0"), constraints=Constraints(hide_duplicates=True)))
    assert ids(shown) == ["x", "t1", "t2"]
    assert {"x", "y"} <= set(ids(await catalog.similar(by(Seed(track="t0")))))
    of_itself = await catalog.similar(by(Seed(track="x"), constraints=Constraints(hide_duplicates=True)))
    assert "y" not in ids(of_itself)


async def test_reasons_of_matches(catalog: CatalogService) -> None:
    found = await catalog.similar(by(Seed(embedding=at(0.5), weight=0.1), Seed(track="t0"), k=2, why=True))
    for match in found.matches:
        assert match.why is not None
        assert match.why == await catalog.why("t0", match.track.id)
        assert match.why.sentence
    assert found.matches[0].why.tags == ("early",)  # type: ignore[union-attr]
    bare = await catalog.similar(by(Seed(embedding=at(0.5)), why=True))
    assert [match.why for match in bare.matches] == [None] * 3


async def test_why(catalog: CatalogService) -> None:
    why = await catalog.why("t0", "t2")
    assert (why.tags, why.same) == (("early",), ("album", "artist"))
    assert why.similarity == pytest.approx(np.cos(2 * QUARTER / 9), abs=1e-5)
    assert why.prototypes == ()
    assert (await catalog.why("t0", "t0")).similarity == pytest.approx(1, abs=1e-6)
    with refused(Code.NOT_FOUND, "never"):
        await catalog.why("t0", "never")
    with refused(Code.INVALID_REQUEST):
        await catalog.why("t0", "a/b")


async def test_why_by_prototypes(kit: Kit, catalog: CatalogService) -> None:
    classifier = kit.deployment.heads["plain"].classifier
    for name in ("x", "y"):
        await catalog.put_track(Submission(metadata(), id=name, embedding=classifier.raw_prototypes()[0]))
    why = await catalog.why("x", "y")
    assert classifier.ids[0] in {shared.prototype for shared in why.prototypes}
    assert why.prototypes[0].strength == pytest.approx(1)
    assert {shared.model for shared in why.prototypes} <= {"plain@1", "loud@1"}
    assert "prototypes" in why.sentence


async def test_a_deleted_track_comes_no_more(catalog: CatalogService) -> None:
    await catalog.delete_track("t1")
    assert ids(await catalog.similar(by(Seed(track="t0")))) == ["t2", "t3", "t4"]
    with refused(Code.NOT_FOUND, "t1"):
        await catalog.similar(by(Seed(track="t1")))


async def test_a_degraded_index_is_told(kit: Kit, catalog: CatalogService) -> None:
    kit.engine.reason = "its snapshot was damaged"
    assert (await catalog.similar(by(Seed(track="t0")))).degraded
    assert (await catalog.path(PathQuery("t0", "t9", 4))).degraded


async def test_searches_are_timed_by_kind(catalog: CatalogService) -> None:
    def counts() -> list[float]:
        name = "sonotype_catalog_search_seconds_count"
        kinds = ("plain", "filtered", "exact")
        return [REGISTRY.get_sample_value(name, {"kind": kind}) or 0.0 for kind in kinds]

    before = counts()
    await catalog.similar(by(Seed(track="t0")))
    await catalog.similar(by(Seed(track="t0"), where=TrackFilter(tags=("early",))))
    await catalog.similar(by(Seed(track="t0"), exact=True))
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        (by(), "seeds"),
        (by(*[Seed(track="t0")] * 65), "64"),
        (by(Seed()), "exactly one"),
        (by(Seed(track="t0", tag="x")), "exactly one"),
        (by(Seed(track="t0", weight=-1.0)), "positive"),
        (by(Seed(track="t0", weight=0.0)), "weight"),
        (by(Seed(track="t0", weight=float("nan"))), "weight"),
        (by(Seed(track="t0", weight=1e9)), "weight"),
        (by(Seed(upload=True)), "upload"),
        (by(Seed(track="a/b")), "id"),
        (by(Seed(tag="")), "tags"),
        (by(Seed(track="t0"), k=0), "k"),
        (by(Seed(track="t0"), k=501), "500"),
        (by(Seed(track="t0"), diversity=1.1), "diversity"),
        (by(Seed(track="t0"), diversity=float("nan")), "diversity"),
        (by(Seed(track="t0"), hubness="magic"), "hubness"),
        (by(Seed(track="t0"), constraints=Constraints(max_per_artist=0)), "max_per_artist"),
        (by(Seed(track="t0"), constraints=Constraints(tempo_within=-0.1)), "tempo_within"),
        (by(Seed(track="t0"), where=TrackFilter(year=Range(2000, 1990))), "year"),
        (by(Seed(track="t0"), where=TrackFilter(year=Range(float("nan"), None))), "year"),
        (by(Seed(track="t0"), where=TrackFilter(year=Range(10**400, None))), "year"),
        (by(Seed(track="t0"), where=TrackFilter(tempo_bpm=Range(None, float("inf")))), "tempo_bpm"),
        (by(Seed(track="t0"), where=TrackFilter(tags=("",))), "tags"),
        (by(Seed(track="t0"), where=TrackFilter(artists=tuple("a" * 65))), "64"),
    ],
)
async def test_queries_beyond_the_limits_are_refused(catalog: CatalogService, query: SimilarQuery, word: str) -> None:
    with refused(Code.INVALID_REQUEST, word):
        await catalog.similar(query)


async def test_an_upload_that_no_seed_names_is_refused(catalog: CatalogService) -> None:
    with refused(Code.INVALID_REQUEST, "upload"):
        await catalog.similar(by(Seed(track="t0")), upload(1))
    with refused(Code.INVALID_REQUEST, "Only one"):
        await catalog.similar(by(Seed(upload=True), Seed(upload=True)), upload(1))


async def test_a_path_goes_in_small_steps(catalog: CatalogService) -> None:
    way = await catalog.path(PathQuery("t0", "t9", 4))
    assert ids(way) == ["t0", "t3", "t6", "t9"]
    assert [match.similarity for match in way.matches] == pytest.approx([1, *[np.cos(QUARTER / 3)] * 3], abs=1e-5)
    assert (way.short_because, way.hubness) == (None, "none")
    assert ids(await catalog.path(PathQuery("t9", "t0", 4))) == ["t9", "t6", "t3", "t0"]
    whole = await catalog.path(PathQuery("t0", "t9", 12))
    assert ids(whole) == [f"t{number}" for number in range(10)]
    assert whole.short_because is not None
    filtered = await catalog.path(PathQuery("t0", "t9", 4, where=TrackFilter(artists=("Bob",))))
    assert ids(filtered) == ["t0", "t3", "t5", "t9"] or ids(filtered) == ["t0", "t3", "t7", "t9"]
    capped = await catalog.path(PathQuery("t0", "t9", 4, constraints=Constraints(max_per_artist=1)))
    assert ids(capped) == ["t0", "t9"]
    assert "max_per_artist" in (capped.short_because or "")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (PathQuery("t0", "t0"), Code.INVALID_REQUEST),
        (PathQuery("t0", "t9", 1), Code.INVALID_REQUEST),
        (PathQuery("t0", "t9", 101), Code.INVALID_REQUEST),
        (PathQuery("t0", "a b"), Code.INVALID_REQUEST),
        (PathQuery("t0", "never"), Code.NOT_FOUND),
    ],
)
async def test_impossible_paths_are_refused(catalog: CatalogService, query: PathQuery, code: Code) -> None:
    with refused(code):
        await catalog.path(query)


def playlist(*seeds: Seed, **options: object) -> PlaylistQuery:
    return PlaylistQuery(seeds, **{"count": 5, "diversity": 0.0, "artist_gap": 0, **options})  # type: ignore[arg-type]


async def test_a_playlist_begins_with_its_seeds_and_flows(catalog: CatalogService) -> None:
    smooth = await catalog.playlist(playlist(Seed(track="t4")))
    assert ids(smooth)[0] == "t4"
    assert set(ids(smooth)) == {"t2", "t3", "t4", "t5", "t6"}
    steps = [abs(int(a[1]) - int(b[1])) for a, b in pairwise(ids(smooth))]
    assert steps in ([1, 1, 3, 1], [1, 1, 1, 1]), "one turn at most"
    without = await catalog.playlist(playlist(Seed(track="t4"), include_seeds=False))
    assert "t4" not in ids(without)
    assert len(ids(without)) == 5
    best = await catalog.playlist(playlist(Seed(track="t0"), order="similarity"))
    assert ids(best) == ["t0", "t1", "t2", "t3", "t4"]
    assert best.matches[0].similarity == pytest.approx(1, abs=1e-5)


async def test_a_playlist_keeps_artists_apart_and_counts_its_seeds(catalog: CatalogService) -> None:
    apart = await catalog.playlist(playlist(Seed(track="t0"), count=6, artist_gap=1))
    artists = [match.track.metadata.artist for match in apart.matches]
    assert all(a != b for a, b in pairwise(artists))
    capped = await catalog.playlist(playlist(Seed(track="t0"), constraints=Constraints(max_per_artist=2)))
    counted = [match.track.metadata.artist for match in capped.matches]
    assert (counted.count("Ann"), counted.count("Bob")) == (2, 2)
    assert capped.short_because is not None


async def test_random_playlists_follow_their_seed(catalog: CatalogService) -> None:
    async def order(seed: int) -> Sequence[str]:
        return ids(await catalog.playlist(playlist(Seed(tag="early"), count=8, order="random", random_seed=seed)))

    assert await order(1) == await order(1)
    assert len({tuple(await order(seed)) for seed in range(5)}) > 1


async def test_more_seeds_than_places(catalog: CatalogService) -> None:
    few = await catalog.playlist(playlist(Seed(track="t0"), Seed(track="t1"), Seed(track="t0"), count=1))
    assert ids(few) == ["t0"]
    less = await catalog.playlist(playlist(Seed(track="t0"), Seed(track="t9", weight=-0.1), count=3))
    assert "t9" not in ids(less)


async def test_playlists_beyond_the_limits_are_refused(catalog: CatalogService) -> None:
    good = playlist(Seed(track="t0"))
    changes = ({"count": 0}, {"count": 501}, {"order": "up"}, {"artist_gap": -1}, {"random_seed": -1}, {"seeds": ()})
    for change in changes:
        with refused(Code.INVALID_REQUEST):
            await catalog.playlist(replace(good, **change))  # type: ignore[arg-type]
    with refused(Code.INVALID_REQUEST, "upload"):
        await catalog.playlist(playlist(Seed(upload=True)))
