"""The catalogue on Milvus where it differs from other engines: crashes between writes, absence, hostile names."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conformance import DIM, GEN, NEXT, OTHER_SHA, SHA, draft, refused, unit, vector
from milvus_kit import LiteServer, free_port, fresh, milvus, need_milvus  # noqa: F401 - fixtures

from sonotype.catalog.milvus import catalog as catalog_module
from sonotype.catalog.milvus import client as client_module
from sonotype.catalog.milvus.catalog import MilvusCatalog
from sonotype.catalog.milvus.failures import meaning_of
from sonotype.catalog.port import TrackFilter
from sonotype.catalog.track import Draft, Metadata
from sonotype.core.errors import Code, SonotypeError

HOSTILE = ('a"] or id != "', "a\\", 'a" or true or "', "a\nb", "a\x00b", "x" * 600, "\ud800", "")


async def opened(url: str) -> MilvusCatalog:
    catalog = await MilvusCatalog.open(url)
    await catalog.add_generation("net@pool", GEN, "01" * 32, DIM)
    return catalog


@pytest.fixture
async def catalog(fresh: Callable[[], str]) -> AsyncIterator[MilvusCatalog]:  # noqa: F811 - the fixture
    catalog = await opened(fresh())
    yield catalog
    await catalog.aclose()


async def test_hostile_ids_are_no_part_of_an_expression(catalog: MilvusCatalog) -> None:
    await catalog.put(draft(1, "a"))
    for id_ in HOSTILE:
        with refused(Code.NOT_FOUND):
            await catalog.get(id_)
        with refused(Code.NOT_FOUND):
            await catalog.delete(id_)
        with refused(Code.INVALID_REQUEST):
            await catalog.put(draft(2, id_))
        assert await catalog.vectors([id_]) == {}
        assert not await catalog.put_vector(id_, GEN, vector(1), None)
        assert (await catalog.search(vector(1), 2, exclude=[id_])).candidates.ids == ("a",)
        where = TrackFilter(collections=(id_,), artists=(id_,), albums=(id_,), tags=(id_,), any_tags=(id_,))
        assert (await catalog.list(where, None, 5)).tracks == ()


async def test_long_metadata_is_compressed_or_refused(catalog: MilvusCatalog) -> None:
    await catalog.put(Draft(Metadata(title="日" * 40_000), {GEN: vector(1)}, "a"))
    assert (await catalog.get("a")).metadata.title == "日" * 40_000
    noise = "".join(chr(0x4E00 + n) for n in np.random.default_rng(0).integers(0, 20_000, 40_000))
    with refused(Code.INVALID_REQUEST):
        await catalog.put(Draft(Metadata(title=noise), {}, "b"))


async def test_older_track_of_the_same_content_is_found_when_the_newer_is_gone(catalog: MilvusCatalog) -> None:
    await catalog.put(draft(1, "a", sha=SHA))
    await catalog.put(draft(2, "b", sha=SHA))
    await catalog.delete("a")
    again = await catalog.put(draft(3, sha=SHA))
    assert (again.track.id, again.created) == ("b", False)


@pytest.mark.parametrize("kind", ["create", "replace", "new content", "delete", "add vector"])
async def test_crash_between_any_two_writes_is_put_right(
    fresh: Callable[[], str],  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """After n writes nothing more happens; then a new process opens. For every n until the operation succeeds."""
    monkeypatch.setattr(catalog_module, "ABANDONED_S", -1.0)
    url = fresh()
    for steps in itertools.count():
        catalog = await opened(url)
        await catalog.add_generation("net@pool", NEXT, "02" * 32, 5)
        name = f"t{steps}"
        if kind != "create":
            both = {GEN: vector(1), NEXT: vector(1, 5)} if kind != "add vector" else {GEN: vector(1)}
            await catalog.put(Draft(Metadata(tags=("old",)), both, name, SHA))
        done = await _until(catalog, steps, lambda one=catalog, id_=name: _act(one, kind, id_), monkeypatch)
        await catalog.aclose()
        catalog = await opened(url)
        await _consistent(catalog, name, kind, done)
        await catalog.put(draft(9, name, tags=("last",)))
        assert (await catalog.search(vector(9), 1, where=TrackFilter(tags=("last",)))).candidates.ids == (name,)
        await catalog.delete(name)
        await catalog.aclose()
        if done:
            return


async def _act(catalog: MilvusCatalog, kind: str, id_: str) -> None:
    if kind == "delete":
        await catalog.delete(id_)
    elif kind == "add vector":
        await catalog.put_vector(id_, NEXT, vector(2, 5), SHA)
    else:
        await catalog.put(
            Draft(Metadata(tags=("new",)), {GEN: vector(2)}, id_, OTHER_SHA if kind == "new content" else SHA)
        )


async def _until(catalog: MilvusCatalog, steps: int, act: Any, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether it succeeded before the writes were used up."""
    left = itertools.repeat(True, steps)

    def failing(name: str) -> Any:
        real = getattr(catalog._client, name)

        async def write(collection: str, items: Any) -> None:
            items = list(items)
            if items and not next(left, False):
                raise SonotypeError(Code.UNAVAILABLE, "Crashed.")
            await real(collection, items)

        return write

    for name in ("upsert", "delete"):
        monkeypatch.setattr(catalog._client, name, failing(name))
    try:
        await act()
    except SonotypeError:
        return False
    return True


async def _consistent(catalog: MilvusCatalog, id_: str, kind: str, done: bool) -> None:
    """What a track claims is there, fits its content, and is found by exactly the filters of its document."""
    assert await catalog._client.query(catalog._tracks, "open == 1", ["position"], 10) == []
    tracks = await catalog.get_many([id_])
    vectors = await catalog.vectors([id_], GEN)
    hits = (await catalog.search(vector(2), 5, generation=GEN)).candidates.ids
    if not tracks:
        assert (vectors, hits) == ({}, ()), "a vector without its track"
        assert kind == "create" or done
        return
    (track,) = tracks
    assert (GEN in track.generations) == (id_ in vectors) == (id_ in hits)
    assert NEXT not in track.generations or await catalog.vectors([id_], NEXT)
    stale = [one.id async for one in catalog.stale(GEN)]
    assert stale == ([] if GEN in track.generations else [id_])
    for tag in ("old", "new"):
        found = (await catalog.search(vector(2), 5, where=TrackFilter(tags=(tag,)))).candidates.ids
        assert (found == (id_,)) == (tag in track.metadata.tags and GEN in track.generations)
    if track.content_sha256 == OTHER_SHA and vectors:
        np.testing.assert_allclose(vectors[id_], unit(vector(2)), atol=1e-6)


async def test_engine_that_goes_away_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_milvus()
    monkeypatch.setattr(client_module, "_FAIL_FAST_S", 0.2)
    port = free_port()
    server = LiteServer(tmp_path / "data", port)
    catalog = await MilvusCatalog.open(server.url, timeout_s=10)
    try:
        await catalog.add_generation("net@pool", GEN, "01" * 32, DIM)
        await catalog.put(draft(1, "a"))
        catalog._client._timeout_s = 0.5
        server.kill()
        for work in (
            lambda: catalog.search(vector(1), 1),
            lambda: catalog.put(draft(2, "b")),
            lambda: catalog.get("a"),
        ):
            with pytest.raises(SonotypeError) as caught:
                await work()
            assert caught.value.code is Code.UNAVAILABLE
            assert caught.value.retry_after_s
        server = LiteServer(tmp_path / "data", port)
        catalog._client._timeout_s = 10
        for _ in range(50):
            try:
                await catalog._client.call(lambda milvus: milvus.load_collection(catalog._tracks, timeout=10))
                break
            except SonotypeError:
                await asyncio.sleep(0.2)
        again = await opened(server.url)
        assert (await again.search(vector(1), 1)).candidates.ids == ("a",)
        await again.put(draft(2, "b"))
        await again.aclose()
    finally:
        await catalog.aclose()
        server.kill()


async def test_engine_that_was_never_there() -> None:
    need_milvus()
    with refused(Code.UNAVAILABLE):
        await MilvusCatalog.open(f"http://127.0.0.1:{free_port()}", timeout_s=0.5)


async def test_file_of_a_milvus_lite_in_this_process(tmp_path: Path) -> None:
    need_milvus()
    for created in (True, False):
        catalog = await opened(str(tmp_path / "below" / "catalog.db"))
        assert (await catalog.put(draft(1, "a"))).created is created
        assert (await catalog.search(vector(1), 1)).candidates.ids == ("a",)
        await catalog.aclose()


async def test_client_library_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with refused(Code.UNAVAILABLE):
        await MilvusCatalog.open("http://127.0.0.1:1")


def test_refused_credentials_and_full_engines_have_their_own_words() -> None:
    refused_ = meaning_of(RuntimeError("StatusCode.UNAUTHENTICATED: auth check failure"), embedded=False)
    assert (refused_.code, "credentials" in refused_.detail) == (Code.UNAVAILABLE, True)
    for text in ("disk quota exceeded, please allocate more resources", "No space left on device"):
        assert meaning_of(RuntimeError(text), embedded=False).code is Code.INSUFFICIENT_STORAGE


def test_nothing_heavy_is_imported_before_a_milvus_is_opened() -> None:
    code = (
        "import sonotype.catalog.milvus.catalog, sonotype.catalog.engines, sys;"
        "sys.exit(bool({'pymilvus', 'pandas', 'torch', 'faiss', 'grpc'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
