from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from conformance import GEN, draft, everything, refused, unit, vector
from embedded_kit import ids_of, opened, rows

from sonotype.catalog.embedded.failures import DAMAGED
from sonotype.catalog.embedded.opening import DATABASE, INDEXES
from sonotype.core.errors import Code, SonotypeError


async def test_second_opener_is_told_that_a_service_has_it(tmp_path: Path) -> None:
    first = await opened(tmp_path)
    await first.put(draft(1, "a"))
    with pytest.raises(SonotypeError, match="--server") as caught:
        await opened(tmp_path)
    assert caught.value.code is Code.CONFLICT
    assert await ids_of(first) == ["a"]
    await first.aclose()
    second = await opened(tmp_path)
    assert await ids_of(second) == ["a"]
    await second.aclose()


@pytest.mark.parametrize("content", [b"no database " * 1000, b"SQLite format 3\0" + b"\xff" * 9000])
async def test_what_is_no_database_is_told_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / DATABASE).write_bytes(content)
    for _ in range(2):  # also the second time: the lock was let go
        with pytest.raises(SonotypeError) as caught:
            await opened(tmp_path)
        assert caught.value.code is Code.UNAVAILABLE
        assert "backup" in caught.value.detail
        assert "nothing was deleted" in caught.value.detail
    assert (tmp_path / DATABASE).read_bytes() == content


async def test_damaged_page_fails_what_needs_it_and_nothing_else(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    for seed in range(40):
        await catalog.put(draft(seed, f"t{seed}", extra={"padding": "x" * 4000}))
    await catalog.aclose()
    ((page,),) = rows(tmp_path, "SELECT rootpage FROM sqlite_master WHERE name = 'documents'")
    ((size,),) = rows(tmp_path, "PRAGMA page_size")
    with (tmp_path / DATABASE).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    before = (tmp_path / DATABASE).read_bytes()
    again = await opened(tmp_path)
    with pytest.raises(SonotypeError) as caught:
        await again.get("t1")
    assert (caught.value.code, caught.value.detail) == (Code.UNAVAILABLE, DAMAGED)
    assert (await again.search(vector(1), 1)).candidates.ids == ("t1",)
    await again.aclose()
    assert (tmp_path / DATABASE).read_bytes() == before


async def test_damaged_vector_is_set_aside_and_embedded_again(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    for seed in range(5):
        await catalog.put(draft(seed, f"t{seed}"))
    await catalog.aclose()
    rows(tmp_path, "UPDATE vectors_1 SET vector = ? WHERE row = 3", (vector(9).tobytes(),))
    shutil.rmtree(tmp_path / INDEXES)  # so that the vectors are read again
    again = await opened(tmp_path)
    await again.put(draft(7, "new"))  # the writer has been there
    assert "t2" not in (await again.search(vector(9), 10)).candidates.ids
    assert [track.id async for track in again.stale(GEN)] == ["t2"]
    assert (await again.status()).stale == 1
    assert rows(tmp_path, "SELECT number, row FROM damaged_vectors") == [(1, 3)]
    assert await again.put_vector("t2", GEN, vector(2), None)
    np.testing.assert_allclose((await again.vectors(["t2"]))["t2"], unit(vector(2)), atol=1e-6)
    await again.aclose()


async def test_index_is_made_again_from_the_database(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    for seed in range(30):
        await catalog.put(draft(seed, f"t{seed}"))
    await catalog.delete("t3")
    await catalog.aclose()
    shutil.rmtree(tmp_path / INDEXES)
    again = await opened(tmp_path)
    for seed in range(30):
        found = (await again.search(vector(seed), 1, exact=True)).candidates.ids
        assert (found == (f"t{seed}",)) == (seed != 3)
    await again.aclose()


async def test_stray_files_are_ignored(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    await catalog.put(draft(1, "a"))
    await catalog.aclose()
    (tmp_path / "catalog.sqlite.tmp").write_bytes(b"x")
    (tmp_path / INDEXES / "nonsense").mkdir()
    for folder in (tmp_path / INDEXES).iterdir():
        (folder / "snapshot.tmp").write_bytes(b"\0" * 100)
    again = await opened(tmp_path)
    assert await everything(again) == ["a"]
    assert (await again.search(vector(1), 1)).candidates.ids == ("a",)
    await again.aclose()
    assert (tmp_path / "catalog.sqlite.tmp").exists()


async def test_the_index_of_a_generation_whose_end_was_cut_off_is_deleted(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    (kept,) = (tmp_path / INDEXES).iterdir()
    await catalog.aclose()
    for name in ("0123456789abcdef", "nonsense"):
        (tmp_path / INDEXES / name).mkdir()
        (tmp_path / INDEXES / name / "snapshot-00000001.index").write_bytes(b"x")
    await (await opened(tmp_path)).aclose()
    assert {path.name for path in (tmp_path / INDEXES).iterdir()} == {kept.name, "nonsense"}


async def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with refused(Code.UNAVAILABLE):
        await opened(tmp_path / "file")


async def test_closed_catalogue_says_so(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    await catalog.aclose()
    with refused(Code.UNAVAILABLE):
        await catalog.put(draft(1, "a"))
    with refused(Code.UNAVAILABLE):
        await catalog.get("a")
    await catalog.aclose()
