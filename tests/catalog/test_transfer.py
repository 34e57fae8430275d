"""A catalogue through a file, from one engine to another and back."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conformance import DIM, GEN, LIBRARY, NEXT, SHA, everything, fill, refused, vector
from milvus_kit import fresh, milvus  # noqa: F401 - fixtures

from sonotype.catalog.embedded.catalog import EmbeddedCatalog
from sonotype.catalog.milvus.catalog import MilvusCatalog
from sonotype.catalog.port import Catalog
from sonotype.catalog.track import Draft, Metadata, TrackEvidence, TrackLabel
from sonotype.catalog.transfer.archive import check
from sonotype.catalog.transfer.exporting import export
from sonotype.catalog.transfer.importing import import_
from sonotype.core.errors import Code


def quiet(done: int, total: int) -> None:
    """No bar."""
    assert done <= total


async def filled(catalog: Catalog) -> None:
    """Two generations, the newer one current, a track with everything, and one without a vector."""
    await catalog.add_generation("net@pool", GEN, "01" * 32, DIM)
    await catalog.add_generation("net@pool", NEXT, "02" * 32, 5)
    await fill(catalog)
    labels, evidence = (TrackLabel("net", "日本", 0.75),), (TrackEvidence("head", "p7", "ambient", 1.5),)
    metadata = Metadata("k", "a/b ü.flac", "Ødegård", None, None, 2002, 301.25, tags=("x",), extra={"n": [1, None]})
    both = {GEN: vector(8), NEXT: vector(8, 5)}
    await catalog.put(Draft(metadata, both, "all", SHA, labels, evidence, "b ü.flac"))
    await catalog.put(Draft(Metadata(), {}, "silent"))
    await catalog.promote(NEXT)


async def assert_equal(one: Catalog, other: Catalog) -> None:
    """The same tracks, vectors and alias."""
    ids = await everything(one)
    assert await everything(other) == ids
    mine, theirs = await one.get_many(ids), await other.get_many(ids)
    assert mine == theirs
    for generation in (GEN, NEXT):
        left, right = await one.vectors(ids, generation), await other.vectors(ids, generation)
        assert set(left) == set(right)
        for id_ in left:
            np.testing.assert_allclose(left[id_], right[id_], atol=1e-6)
    current = [[g.name for g in (await c.status()).generations if g.current] for c in (one, other)]
    assert current == [[NEXT], [NEXT]]


@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz"])
async def test_from_one_machine_to_milvus_and_back(
    tmp_path: Path,
    fresh: Callable[[], str],  # noqa: F811 - the fixture
    name: str,
) -> None:
    here = await EmbeddedCatalog.open(tmp_path / "here", full_at=1.0)
    there = await MilvusCatalog.open(fresh())
    back = await EmbeddedCatalog.open(tmp_path / "back", full_at=1.0)
    try:
        await filled(here)
        assert await export(here, tmp_path / name, quiet) == len(LIBRARY) + 2
        outcome = await import_(there, tmp_path / name, quiet)
        assert (outcome.stored, outcome.unchanged, outcome.refused) == (8, 0, [])
        assert (outcome.current, outcome.problem) == (NEXT, None)
        await assert_equal(here, there)
        again = await import_(there, tmp_path / name, quiet)
        assert (again.stored, again.unchanged) == (0, 8)
        before, newer = await there.get("all"), await there.put(Draft(Metadata(title="newer"), {}, "all"))
        assert newer.track.created_at == before.created_at, "as imported"
        assert newer.track.updated_at > before.updated_at
        assert await there.get("all") == newer.track
        await here.put(Draft(Metadata(title="newer"), {}, "all", updated_at=newer.track.updated_at))
        await export(there, tmp_path / f"2{name}", quiet)
        await import_(back, tmp_path / f"2{name}", quiet)
        await assert_equal(here, back)
        assert not list(tmp_path.glob(".*"))
    finally:
        for one in (here, there, back):
            await one.aclose()


async def test_half_an_import_goes_on_where_it_stopped(tmp_path: Path) -> None:
    here = await EmbeddedCatalog.open(tmp_path / "here", full_at=1.0)
    there = await EmbeddedCatalog.open(tmp_path / "there", full_at=1.0)
    try:
        await filled(here)
        await export(here, tmp_path / "all.jsonl", quiet)
        await there.add_generation("net@pool", GEN, "01" * 32, DIM)
        for one in LIBRARY[:2]:
            await there.put(one)
        await there.put(Draft(Metadata("k", "a/b ü.flac"), {}, "mine"))
        outcome = await import_(there, tmp_path / "all.jsonl", quiet)
        assert [id_ for id_, _ in outcome.refused] == ["all"], "its external id belongs to another track"
        assert outcome.stored + outcome.unchanged == 7
    finally:
        await here.aclose()
        await there.aclose()


async def test_file_that_is_not_whole_is_not_imported(tmp_path: Path) -> None:
    catalog = await EmbeddedCatalog.open(tmp_path / "here", full_at=1.0)
    try:
        await filled(catalog)
        path = tmp_path / "all.jsonl"
        await export(catalog, path, quiet)
        whole = path.read_bytes()
        lines = whole.splitlines(keepends=True)
        flipped = whole.replace(b'"Queen"', b'"Quern"', 1)
        broken = {
            "cut": whole[: len(whole) // 2],
            "no end": b"".join(lines[:-1]),
            "a track less": b"".join(lines[:2] + lines[3:]),
            "flipped": flipped,
            "empty": b"",
            "another": b'{"format": 2}\n' + lines[-1],
            "text": b"hello\n",
            "list": b"[]\n[]\n",
        }
        for name, data in broken.items():
            path.write_bytes(data)
            with refused(Code.INVALID_REQUEST):
                await import_(catalog, path, quiet)
            assert name
        packed = tmp_path / "all.jsonl.gz"
        packed.write_bytes(gzip.compress(whole)[:-20])
        with refused(Code.INVALID_REQUEST):
            check(packed)
        with refused(Code.INVALID_REQUEST):
            check(tmp_path / "missing")
        with refused(Code.INVALID_REQUEST):
            await export(catalog, tmp_path / "nowhere" / "all.jsonl", quiet)
    finally:
        await catalog.aclose()
