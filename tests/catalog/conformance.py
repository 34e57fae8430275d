"""What every engine behind `catalog/port.Catalog` must do. A test file of an engine derives from the class below.

from conformance import CatalogConformance

class TestMine(CatalogConformance):
    @pytest.fixture
    def engine(self, tmp_path):                 # opens the engine, also again on the same storage
        return lambda: MyCatalog.open(tmp_path)
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from sonotype.catalog.port import EVERYTHING, Catalog, Found, Idempotency, Range, TrackFilter
from sonotype.catalog.track import Draft, Metadata, Track, TrackEvidence, TrackLabel
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats

Engine = Callable[[], Awaitable[Catalog]]
DIM = 8
GEN = "net@1.pool.0123456789ab"
NEXT = "net@2.pool.ba9876543210"
SHA = "ab" * 32
OTHER_SHA = "cd" * 32


def vector(seed: int, dim: int = DIM) -> Floats:
    """A vector [dim] of no particular length."""
    return np.random.default_rng(seed).normal(size=dim).astype(np.float32)


def unit(values: Floats) -> Floats:
    """The same direction with length one."""
    return (values / np.linalg.norm(values)).astype(np.float32)


def draft(seed: int, id_: str | None = None, *, sha: str | None = None, **metadata: object) -> Draft:
    """A track whose vector follows from `seed`."""
    return Draft(Metadata(**metadata), {GEN: vector(seed)}, id_, sha)  # type: ignore[arg-type]


@contextlib.contextmanager
def refused(code: Code) -> Iterator[None]:
    """The block must raise that code, with a sentence."""
    with pytest.raises(SonotypeError) as caught:
        yield
    assert caught.value.code is code
    assert caught.value.detail


async def everything(catalog: Catalog, where: TrackFilter = EVERYTHING, limit: int = 7) -> list[str]:
    """Ids of a list read page by page."""
    ids: list[str] = []
    cursor = None
    while True:
        page = await catalog.list(where, cursor, limit)
        assert len(page.tracks) <= limit
        ids += [track.id for track in page.tracks]
        if (cursor := page.cursor) is None:
            return ids


async def found(catalog: Catalog, seed: int, **options: object) -> tuple[str, ...]:
    """Ids of a search, the same from the index and from comparing with every track."""
    near = await catalog.search(vector(seed), 10, **options)  # type: ignore[arg-type]
    exact = await catalog.search(vector(seed), 10, exact=True, **options)  # type: ignore[arg-type]
    assert exact.exact
    assert set(near.candidates.ids) == set(exact.candidates.ids)
    return exact.candidates.ids


LIBRARY = (
    draft(1, "a", artist="Nina Simone", album="Pastel Blues", year=1965, duration_s=180.5, tags=("jazz", "vocal")),
    draft(2, "b", artist="NINA SIMONE", album="Greatest Hits", year=1970, tempo_bpm=96.5, tags=("jazz", "live")),
    draft(3, "c", artist="Queen", album="greatest hits", year=1981, duration_s=355.0, tempo_bpm=143.0, tags=("rock",)),
    draft(4, "d", artist="Björk", year=1993, tags=("pop",), collection="second"),
    draft(5, "e", collection="second", duration_s=60.0),
    draft(6, "f", artist="QUEEN", year=1975, tempo_bpm=72.0, tags=("rock", "live")),
)
FILTERS = (
    (TrackFilter(), "abcdef"),
    (TrackFilter(collections=("second",)), "de"),
    (TrackFilter(collections=("second", "default")), "abcdef"),
    (TrackFilter(collections=("third",)), ""),
    (TrackFilter(artists=("nina simone",)), "ab"),
    (TrackFilter(artists=("BJÖRK", "Queen")), "cdf"),
    (TrackFilter(artists=("nobody",)), ""),
    (TrackFilter(albums=("Greatest hits",)), "bc"),
    (TrackFilter(artists=("queen",), albums=("Greatest hits",)), "c"),
    (TrackFilter(tags=("jazz",)), "ab"),
    (TrackFilter(tags=("rock", "live")), "f"),
    (TrackFilter(tags=("never",)), ""),
    (TrackFilter(any_tags=("vocal", "pop", "never")), "ad"),
    (TrackFilter(any_tags=("never",)), ""),
    (TrackFilter(tags=("live",), any_tags=("jazz", "pop")), "b"),
    (TrackFilter(labels=("piano",)), "ac"),
    (TrackFilter(labels=("piano", "drums")), "c"),
    (TrackFilter(year=Range(1970, 1981)), "bcf"),
    (TrackFilter(year=Range(low=1981)), "cd"),
    (TrackFilter(year=Range(high=1965)), "a"),
    (TrackFilter(year=Range()), "abcdf"),
    (TrackFilter(duration_s=Range(100, 355)), "ac"),
    (TrackFilter(tempo_bpm=Range(90.0, 143.0)), "bc"),
    (TrackFilter(collections=("default",), tags=("rock",), year=Range(high=1980), tempo_bpm=Range(high=80)), "f"),
)
LABELS = {"a": ("piano",), "c": ("piano", "drums")}


async def fill(catalog: Catalog) -> None:
    """Store the little library."""
    for one in LIBRARY:
        labels = tuple(TrackLabel("net", name, 0.5) for name in LABELS.get(str(one.id), ()))
        await catalog.put(Draft(one.metadata, one.vectors, one.id, one.content_sha256, labels))


class CatalogConformance:
    """The tests; a subclass gives the fixture `engine`."""

    @pytest.fixture
    async def catalog(self, engine: Engine) -> AsyncIterator[Catalog]:
        """An empty catalogue with one generation."""
        catalog = await engine()
        await catalog.add_generation("net@pool", GEN, "01" * 32, DIM)
        yield catalog
        await catalog.aclose()

    # Storing and reading

    async def test_track_comes_back_as_it_was_stored(self, catalog: Catalog) -> None:
        before = datetime.now(UTC)
        metadata = Metadata(
            "kitchen", "a/b ü.flac", "Ødegård's “Song”", "Sigur Rós", "()", 2002, 301.25, 71.5,
            "b1a9c0e9-d987-4042-ae91-78d6a3267d69", "GBAYE0601498", ("ambient", "日本"),
            {"n": [1, 2.5, None], "ü": {"x": True}},
        )  # fmt: skip
        labels = (TrackLabel("net", "ambient", 0.75), TrackLabel("net", "piano", 0.5))
        evidence = (TrackEvidence("head", "p7", "ambient", 1.5), TrackEvidence("head", "p9", "piano", -0.25))
        stored = await catalog.put(Draft(metadata, {GEN: vector(1)}, "my:id-1", SHA, labels, evidence, "b ü.flac"))
        assert stored.created
        assert not stored.replayed
        track = await catalog.get("my:id-1")
        assert track == stored.track
        assert (track.id, track.metadata, track.content_sha256, track.source) == ("my:id-1", metadata, SHA, "b ü.flac")
        assert (track.labels, track.evidence, track.generations) == (labels, evidence, (GEN,))
        assert track.created_at == track.updated_at
        assert abs((track.created_at - before).total_seconds()) < 60
        assert track.created_at.tzinfo is UTC

    async def test_id_is_made_where_none_is_given(self, catalog: Catalog) -> None:
        ids = {(await catalog.put(draft(seed))).track.id for seed in range(5)}
        assert len(ids) == 5
        assert all(0 < len(one) <= 128 and one.isascii() for one in ids)
        assert set(await everything(catalog)) == ids

    async def test_put_under_an_id_replaces(self, catalog: Catalog) -> None:
        first = await catalog.put(draft(1, "a", title="Old", tags=("x",)))
        second = await catalog.put(draft(2, "a", title="New", tags=("y",)))
        assert not second.created
        track = await catalog.get("a")
        assert track.metadata.title == "New"
        assert track.created_at == first.track.created_at
        assert track.updated_at >= first.track.updated_at
        np.testing.assert_allclose((await catalog.vectors(["a"]))["a"], unit(vector(2)), atol=1e-6)
        assert await found(catalog, 1, where=TrackFilter(tags=("y",))) == ("a",)
        assert await found(catalog, 1, where=TrackFilter(tags=("x",))) == ()
        assert (await catalog.status()).tracks == 1

    async def test_external_id_names_a_track_within_its_collection(self, catalog: Catalog) -> None:
        first = await catalog.put(draft(1, external_id="x", title="one"))
        second = await catalog.put(draft(2, external_id="x", title="two", collection="other"))
        third = await catalog.put(draft(3, external_id="x", title="three"))
        assert (first.created, second.created, third.created) == (True, True, False)
        assert third.track.id == first.track.id != second.track.id
        assert (await catalog.get(first.track.id)).metadata.title == "three"

    async def test_found_by_its_external_id(self, catalog: Catalog) -> None:
        one = (await catalog.put(draft(1, external_id="a", collection="x"))).track
        await catalog.put(draft(2, external_id="a", collection="y"))
        await catalog.put(draft(3, sha=SHA, collection="x"))
        assert await catalog.find("x", "a") == await catalog.get(one.id)
        assert await catalog.find("x", "b") is None
        await catalog.put(draft(4, one.id, external_id="b", collection="x"))
        assert await catalog.find("x", "a") is None
        assert await catalog.find("x", "b") == await catalog.get(one.id)
        await catalog.delete(one.id)
        assert await catalog.find("x", "b") is None

    async def test_content_names_a_track_without_external_id(self, catalog: Catalog) -> None:
        named = await catalog.put(draft(1, external_id="x", sha=SHA))
        first = await catalog.put(draft(2, sha=SHA))
        again = await catalog.put(draft(3, sha=SHA))
        elsewhere = await catalog.put(draft(4, sha=SHA, collection="other"))
        assert again.track.id == first.track.id
        assert not again.created
        assert len({named.track.id, first.track.id, elsewhere.track.id}) == 3

    async def test_equal_content_under_other_ids_is_never_merged(self, catalog: Catalog) -> None:
        for name in "abc":
            assert (await catalog.put(draft(1, name, sha=SHA, mbid="m"))).created
        assert await everything(catalog) == ["a", "b", "c"]
        assert set(await found(catalog, 1)) == {"a", "b", "c"}

    async def test_external_id_of_another_track_is_a_conflict(self, catalog: Catalog) -> None:
        await catalog.put(draft(1, "a", external_id="x"))
        await catalog.put(draft(2, "b", external_id="y", title="kept"))
        with refused(Code.CONFLICT):
            await catalog.put(draft(3, "b", external_id="x", title="lost"))
        with refused(Code.CONFLICT):
            await catalog.put(draft(3, "c", external_id="x"))
        assert (await catalog.get("b")).metadata.title == "kept"
        assert await everything(catalog) == ["a", "b"]

    async def test_only_the_track_that_was_seen_is_replaced(self, catalog: Catalog) -> None:
        seen = (await catalog.put(draft(1, "a", sha=SHA, title="read"))).track.updated_at
        assert (await catalog.get("a")).updated_at == seen
        newer = (await catalog.put(draft(1, "a", sha=SHA, title="written"), seen=seen)).track
        assert newer.updated_at > seen
        with refused(Code.CONFLICT):
            await catalog.put(draft(1, "a", sha=SHA, title="late"), seen=seen)
        assert (await catalog.get("a")).metadata.title == "written"
        await catalog.delete("a")
        with refused(Code.CONFLICT):
            await catalog.put(draft(1, "a", sha=SHA), seen=newer.updated_at)
        assert await everything(catalog) == []

    async def test_external_id_can_move_on(self, catalog: Catalog) -> None:
        await catalog.put(draft(1, "a", external_id="x"))
        await catalog.put(draft(1, "a", external_id="y"))
        assert (await catalog.put(draft(2, external_id="x"))).created
        assert not (await catalog.put(draft(2, external_id="y"))).created

    @pytest.mark.parametrize(
        "bad",
        [vector(1, DIM + 1), vector(1)[:-1], np.full(DIM, np.nan, np.float32), np.zeros(DIM, np.float32),
         np.array([np.inf] + [0] * (DIM - 1), np.float32), vector(1).reshape(2, -1)],
        ids=["long", "short", "nan", "zero", "inf", "matrix"],
    )  # fmt: skip
    async def test_bad_vector_is_refused(self, catalog: Catalog, bad: Floats) -> None:
        with refused(Code.INVALID_REQUEST):
            await catalog.put(Draft(Metadata(), {GEN: bad}, "a"))
        with refused(Code.NOT_FOUND):
            await catalog.get("a")
        with refused(Code.INVALID_REQUEST):
            await catalog.search(bad, 3)

    async def test_unknown_generation_is_refused(self, catalog: Catalog) -> None:
        with refused(Code.INVALID_REQUEST):
            await catalog.put(Draft(Metadata(), {"never": vector(1)}, "a"))
        with refused(Code.NOT_FOUND):
            await catalog.search(vector(1), 3, generation="never")
        assert await everything(catalog) == []

    async def test_track_without_vector_is_listed_and_not_found_by_search(self, catalog: Catalog) -> None:
        await catalog.put(Draft(Metadata(), {}, "silent"))
        assert await everything(catalog) == ["silent"]
        assert (await catalog.get("silent")).generations == ()
        assert await found(catalog, 1) == ()
        assert (await catalog.status()).stale == 1

    async def test_get_many_keeps_the_order_asked(self, catalog: Catalog) -> None:
        await fill(catalog)
        assert [track.id for track in await catalog.get_many(["e", "never", "a", "c"])] == ["e", "a", "c"]
        assert await catalog.get_many([]) == []

    async def test_hostile_names_are_only_names(self, catalog: Catalog) -> None:
        title = "'; DROP TABLE tracks; -- \" \\ % _ \x7f"
        await catalog.put(draft(1, "a", title=title, artist=title, album=title, tags=(title,), collection="x' or '1"))
        await catalog.put(draft(2, "b"))
        assert (await catalog.get("a")).metadata.title == title
        assert await everything(catalog, TrackFilter(artists=(title,), albums=(title,), tags=(title,))) == ["a"]
        assert await everything(catalog, TrackFilter(collections=("x' or '1",))) == ["a"]
        with refused(Code.NOT_FOUND):
            await catalog.get("a' or '1'='1")

    # Idempotency

    async def test_same_request_is_done_once(self, catalog: Catalog) -> None:
        key = Idempotency("client", "k1", "11" * 32)
        first = await catalog.put(draft(1, title="one"), key)
        again = await catalog.put(draft(1, title="one"), key)
        assert (first.replayed, again.replayed) == (False, True)
        assert again.track == first.track
        assert again.created == first.created
        assert len(await everything(catalog)) == 1

    async def test_same_key_with_another_request_is_refused(self, catalog: Catalog) -> None:
        await catalog.put(draft(1, "a"), Idempotency("client", "k1", "11" * 32))
        with refused(Code.IDEMPOTENCY_MISMATCH):
            await catalog.put(draft(2, "b"), Idempotency("client", "k1", "22" * 32))
        assert not (await catalog.put(draft(2, "b"), Idempotency("other", "k1", "22" * 32))).replayed
        assert await everything(catalog) == ["a", "b"]

    async def test_concurrent_same_requests_make_one_track(self, catalog: Catalog) -> None:
        key = Idempotency("client", "k1", "11" * 32)
        stored = await asyncio.gather(*(catalog.put(draft(1), key) for _ in range(8)))
        assert len({one.track.id for one in stored}) == 1
        assert sorted(one.replayed for one in stored) == [False] + [True] * 7

    async def test_failed_request_does_not_use_up_its_key(self, catalog: Catalog) -> None:
        key = Idempotency("client", "k1", "11" * 32)
        with refused(Code.INVALID_REQUEST):
            await catalog.put(Draft(Metadata(), {GEN: np.zeros(DIM, np.float32)}, "a"), key)
        assert not (await catalog.put(draft(1, "a"), key)).replayed

    async def test_replay_does_not_bring_a_deleted_track_back(self, catalog: Catalog) -> None:
        key = Idempotency("client", "k1", "11" * 32)
        await catalog.put(draft(1, "a"), key)
        await catalog.delete("a")
        with refused(Code.NOT_FOUND):
            await catalog.put(draft(1, "a"), key)
        assert await everything(catalog) == []

    # Deleting

    async def test_deleted_track_is_in_no_answer(self, catalog: Catalog) -> None:
        await fill(catalog)
        await catalog.delete("a")
        with refused(Code.NOT_FOUND):
            await catalog.get("a")
        with refused(Code.NOT_FOUND):
            await catalog.delete("a")
        assert await catalog.get_many(["a"]) == []
        assert await everything(catalog) == list("bcdef")
        assert "a" not in await found(catalog, 1)
        assert await catalog.vectors(["a"]) == {}
        assert len(await catalog.carriers(tag="vocal")) == 0
        assert (await catalog.status()).tracks == 5

    async def test_id_can_be_used_anew_after_a_deletion(self, catalog: Catalog) -> None:
        await catalog.put(draft(1, "a", sha=SHA, external_id="x", tags=("old",)))
        await catalog.put(draft(9, "z"))
        await catalog.delete("a")
        assert (await catalog.put(draft(2, "a", sha=SHA, external_id="x"))).created
        assert await everything(catalog) == ["z", "a"]
        assert await everything(catalog, TrackFilter(tags=("old",))) == []
        np.testing.assert_allclose((await catalog.vectors(["a"]))["a"], unit(vector(2)), atol=1e-6)

    # Lists and filters

    async def test_list_goes_page_by_page(self, catalog: Catalog) -> None:
        await fill(catalog)
        page = await catalog.list(EVERYTHING, None, 4)
        assert [track.id for track in page.tracks] == list("abcd")
        await catalog.delete("d")
        await catalog.put(draft(9, "g"))
        rest = await catalog.list(EVERYTHING, page.cursor, 4)
        assert [track.id for track in rest.tracks] == list("efg")
        assert rest.cursor is None

    async def test_last_full_page_ends_the_list(self, catalog: Catalog) -> None:
        await fill(catalog)
        assert (await catalog.list(EVERYTHING, None, 6)).cursor is None
        assert await everything(catalog, limit=1) == list("abcdef")

    @pytest.mark.parametrize("cursor", ["x", "-1", "", "9" * 40, "\x00", "None", "1.5", "é"])
    async def test_foreign_cursor_is_refused(self, catalog: Catalog, cursor: str) -> None:
        with refused(Code.INVALID_REQUEST):
            await catalog.list(EVERYTHING, cursor, 5)

    async def test_filters_hold_for_lists_and_searches(self, catalog: Catalog) -> None:
        await fill(catalog)
        for where, expected in FILTERS:
            assert "".join(await everything(catalog, where, limit=2)) == expected, where
            assert "".join(sorted(await found(catalog, 1, where=where))) == expected, where

    async def test_filter_follows_a_replaced_track(self, catalog: Catalog) -> None:
        await fill(catalog)
        await catalog.put(draft(1, "a", artist="Queen", year=2000, tags=("rock",), collection="second"))
        assert await everything(catalog, TrackFilter(artists=("nina simone",))) == ["b"]
        assert await everything(catalog, TrackFilter(artists=("queen",))) == ["a", "c", "f"]
        assert await everything(catalog, TrackFilter(tags=("vocal",))) == []
        assert await everything(catalog, TrackFilter(labels=("piano",))) == ["c"]
        assert await everything(catalog, TrackFilter(collections=("second",), year=Range(2000))) == ["a"]
        assert await everything(catalog, TrackFilter(duration_s=Range(0))) == ["c", "e"]

    # Searching

    async def test_search_is_by_cosine(self, catalog: Catalog) -> None:
        await fill(catalog)
        query = vector(3) * 40
        answer = await catalog.search(query, 4)
        candidates = answer.candidates
        assert answer.generation == GEN
        assert candidates.ids[0] == "c"
        every = {one.id: float(unit(one.vectors[GEN]) @ unit(query)) for one in LIBRARY}
        expected = sorted(every, key=lambda id_: -every[str(id_)])[:4]
        assert list(candidates.ids) == expected
        np.testing.assert_allclose(candidates.similarity, [every[id_] for id_ in candidates.ids], atol=1e-5)
        np.testing.assert_allclose(candidates.vectors @ unit(query), candidates.similarity, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(candidates.vectors, axis=1), 1, atol=1e-5)
        assert candidates.vectors.shape == (4, DIM)
        assert candidates.recording.shape == (4, 3)
        assert {candidates.vectors.dtype, candidates.similarity.dtype} == {np.dtype(np.float32)}

    async def test_search_of_an_empty_catalogue(self, catalog: Catalog) -> None:
        answer = await catalog.search(vector(1), 5)
        assert answer.candidates.ids == ()
        assert answer.candidates.vectors.shape == (0, DIM)
        assert answer.candidates.recording.shape == (0, 3)
        assert not answer.degraded

    async def test_search_leaves_out_what_is_excluded(self, catalog: Catalog) -> None:
        await fill(catalog)
        assert set(await found(catalog, 1, exclude=["a", "never", "c"])) == set("bdef")
        assert set(await found(catalog, 1, exclude=["a"], where=TrackFilter(tags=("jazz",)))) == {"b"}
        answer = await catalog.search(vector(1), 2, exclude=list("abcd"))
        assert set(answer.candidates.ids) == {"e", "f"}

    async def test_keys_say_who_and_what_is_the_same(self, catalog: Catalog) -> None:
        await catalog.put(draft(1, "a", artist="Nina Simone", album="Hits", mbid="M1", isrc="I1", sha=SHA))
        await catalog.put(draft(2, "b", artist="nina simone", album="HITS", mbid="m1", sha=OTHER_SHA))
        await catalog.put(draft(3, "c", artist="Queen", album="Hits", isrc="i1", sha=SHA))
        await catalog.put(draft(4, "d"))
        answer = (await catalog.search(vector(1), 4, exact=True)).candidates
        at = {id_: row for row, id_ in enumerate(answer.ids)}
        assert {answer.artist.dtype, answer.album.dtype, answer.recording.dtype} == {np.dtype(np.uint64)}
        assert answer.artist[at["a"]] == answer.artist[at["b"]] != answer.artist[at["c"]] != 0
        assert answer.album[at["a"]] == answer.album[at["b"]] != answer.album[at["c"]] != 0
        shared = lambda x, y: list(answer.recording[at[x]] == answer.recording[at[y]])  # noqa: E731
        assert shared("a", "b") == [False, True, False]
        assert shared("a", "c") == [True, False, True]
        assert not answer.recording[at["d"]].any()
        assert answer.artist[at["d"]] == answer.album[at["d"]] == 0

    async def test_sample_gives_the_neighbourhood_of_a_track(self, catalog: Catalog) -> None:
        await asyncio.gather(*(catalog.put(draft(seed, f"t{seed}")) for seed in range(300)))
        answer: Found = await catalog.search(vector(5), 20)
        if len(answer.sample):
            cosines = answer.candidates.vectors @ answer.sample.T
            np.testing.assert_allclose(answer.candidates.neighbour_mean, cosines.mean(axis=1), atol=2e-3)
            np.testing.assert_allclose(answer.candidates.neighbour_std, cosines.std(axis=1), atol=2e-3)
            np.testing.assert_allclose(await catalog.centre(), answer.sample.mean(axis=0), atol=1e-5)
        else:
            assert not answer.candidates.neighbour_std.any()

    async def test_vectors_of_some_tracks(self, catalog: Catalog) -> None:
        await fill(catalog)
        vectors = await catalog.vectors(["b", "never", "a"])
        assert set(vectors) == {"a", "b"}
        np.testing.assert_allclose(vectors["b"], unit(vector(2)), atol=1e-6)
        with refused(Code.NOT_FOUND):
            await catalog.vectors(["a"], "never")

    async def test_carriers(self, catalog: Catalog) -> None:
        await fill(catalog)
        evidence = (TrackEvidence("head", "p7", "piano", 0.5),)
        await catalog.put(Draft(Metadata(), {GEN: vector(7)}, "g", evidence=evidence))
        await catalog.put(Draft(Metadata(tags=("rock",)), {}, "h", evidence=evidence))
        rock = await catalog.carriers(tag="rock")
        assert rock.shape == (2, DIM)
        np.testing.assert_allclose(sorted((rock @ unit(vector(3))).tolist())[-1], 1, atol=1e-5)
        np.testing.assert_allclose(await catalog.carriers(prototype="p7"), [unit(vector(7))], atol=1e-6)
        assert (await catalog.carriers(label="piano")).shape == (2, DIM)
        assert (await catalog.carriers(label="jazz")).shape == (0, DIM)
        with refused(Code.INVALID_REQUEST):
            await catalog.carriers(tag="rock", label="jazz")
        with refused(Code.INVALID_REQUEST):
            await catalog.carriers()
        few = await catalog.carriers(tag="live", limit=1)
        assert few.shape == (1, DIM)
        np.testing.assert_array_equal(few, await catalog.carriers(tag="live", limit=1))

    async def test_centre_of_nothing(self, catalog: Catalog) -> None:
        np.testing.assert_array_equal(await catalog.centre(), np.zeros(DIM, np.float32))

    async def test_recall_of_a_small_catalogue(self, catalog: Catalog) -> None:
        await asyncio.gather(*(catalog.put(draft(seed, f"t{seed}")) for seed in range(60)))
        assert await catalog.recall(GEN, sample=20) >= 0.95
        with refused(Code.NOT_FOUND):
            await catalog.recall("never")

    # Generations

    async def test_first_generation_is_the_current_one(self, catalog: Catalog) -> None:
        again = await catalog.add_generation("net@pool", GEN, "01" * 32, DIM)
        assert (again.name, again.dim, again.current) == (GEN, DIM, True)
        second = await catalog.add_generation("net@pool", NEXT, "02" * 32, 5)
        assert (second.embedding, second.model_sha256, second.dim) == ("net@pool", "02" * 32, 5)
        assert not second.current
        assert [one.name for one in (await catalog.status()).generations] == [NEXT, GEN]

    async def test_alias_moves_and_moves_back(self, catalog: Catalog) -> None:
        await fill(catalog)
        await catalog.add_generation("net@pool", NEXT, "02" * 32, 5)
        assert await catalog.put_vector("a", NEXT, vector(1, 5), None)
        assert (await catalog.promote(NEXT)).current
        answer = await catalog.search(vector(1, 5), 3)
        assert (answer.generation, answer.candidates.ids) == (NEXT, ("a",))
        assert (await catalog.status()).stale == 5
        assert (await catalog.search(vector(1), 10, generation=GEN)).candidates.ids[0] == "a"
        assert (await catalog.promote(GEN)).current
        assert set(await found(catalog, 1)) == set("abcdef")
        with refused(Code.NOT_FOUND):
            await catalog.promote("never")

    async def test_dropped_generation_is_gone(self, catalog: Catalog) -> None:
        await fill(catalog)
        await catalog.add_generation("net@pool", NEXT, "02" * 32, 5)
        await catalog.put_vector("a", NEXT, vector(1, 5), None)
        with refused(Code.CONFLICT):
            await catalog.drop_generation(GEN)
        await catalog.drop_generation(NEXT)
        with refused(Code.NOT_FOUND):
            await catalog.drop_generation(NEXT)
        assert (await catalog.get("a")).generations == (GEN,)
        with refused(Code.NOT_FOUND):
            await catalog.search(vector(1, 5), 3, generation=NEXT)
        await catalog.add_generation("net@pool", NEXT, "02" * 32, 5)
        assert await catalog.vectors(["a"], NEXT) == {}

    async def test_vectors_of_another_model_outlive_only_the_same_content(self, catalog: Catalog) -> None:
        await catalog.add_generation("net@pool", NEXT, "02" * 32, 5)
        both = {GEN: vector(1), NEXT: vector(1, 5)}
        await catalog.put(Draft(Metadata(), both, "a", SHA))
        assert set((await catalog.get("a")).generations) == {GEN, NEXT}
        await catalog.put(Draft(Metadata(title="new"), {GEN: vector(2)}, "a", SHA))
        np.testing.assert_allclose((await catalog.vectors(["a"], NEXT))["a"], unit(vector(1, 5)), atol=1e-6)
        await catalog.put(Draft(Metadata(), {GEN: vector(2)}, "a", OTHER_SHA))
        assert (await catalog.get("a")).generations == (GEN,)
        assert await catalog.vectors(["a"], NEXT) == {}

    async def test_stale_tracks_are_embedded_again(self, catalog: Catalog) -> None:
        await fill(catalog)
        await catalog.put(draft(7, "g", sha=SHA))
        await catalog.add_generation("net@pool", NEXT, "02" * 32, 5)
        stale: list[Track] = [track async for track in catalog.stale(NEXT)]
        assert [track.id for track in stale] == list("abcdefg")
        await catalog.delete("f")
        for track in stale:
            done = await catalog.put_vector(track.id, NEXT, vector(1, 5), track.content_sha256)
            assert done == (track.id != "f")
        assert not await catalog.put_vector("g", NEXT, vector(2, 5), OTHER_SHA)
        assert [track async for track in catalog.stale(NEXT)] == []
        assert set((await catalog.get("a")).generations) == {GEN, NEXT}
        assert {one.name: one.tracks for one in (await catalog.status()).generations} == {GEN: 6, NEXT: 6}
        with refused(Code.INVALID_REQUEST):
            await catalog.put_vector("a", NEXT, vector(1), None)

    async def test_status(self, catalog: Catalog) -> None:
        await fill(catalog)
        status = await catalog.status()
        assert (status.tracks, status.stale, status.writable) == (6, 0, True)
        (generation,) = status.generations
        assert (generation.tracks, generation.current, generation.state) == (6, True, "ready")
        assert status.bytes is None or status.bytes > 0

    # Many at once, and again

    async def test_many_writers_and_readers(self, catalog: Catalog) -> None:
        async def one(seed: int) -> None:
            await catalog.put(draft(seed, f"t{seed}"))
            assert (await catalog.search(vector(seed), 1)).candidates.ids == (f"t{seed}",)
            if seed % 3 == 0:
                await catalog.delete(f"t{seed}")
                assert f"t{seed}" not in (await catalog.search(vector(seed), 5)).candidates.ids

        await asyncio.gather(*(one(seed) for seed in range(40)))
        assert set(await everything(catalog)) == {f"t{seed}" for seed in range(40) if seed % 3}

    async def test_everything_is_there_after_a_restart(self, engine: Engine) -> None:
        catalog = await engine()
        await catalog.add_generation("net@pool", GEN, "01" * 32, DIM)
        await catalog.add_generation("net@pool", NEXT, "02" * 32, 5)
        await fill(catalog)
        await catalog.put_vector("c", NEXT, vector(3, 5), None)
        await catalog.promote(NEXT)
        await catalog.delete("b")
        key = Idempotency("client", "k1", "11" * 32)
        kept = await catalog.put(draft(9, title="once"), key)
        await catalog.aclose()
        again = await engine()
        assert await everything(again) == ["a", "c", "d", "e", "f", kept.track.id]
        assert await everything(again, TrackFilter(labels=("piano",), tags=("rock",))) == ["c"]
        assert (await again.search(vector(3, 5), 5)).candidates.ids == ("c",)
        assert await found(again, 2, generation=GEN, where=TrackFilter(tags=("jazz",))) == ("a",)
        assert (await again.put(draft(9, title="once"), key)).replayed
        assert await again.get(kept.track.id) == kept.track
        await again.aclose()
