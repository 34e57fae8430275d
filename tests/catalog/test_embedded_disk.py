from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from conformance import draft, refused, vector
from embedded_kit import ids_of, opened

from sonotype.catalog.embedded import opening, reserve
from sonotype.catalog.embedded.disk import DiskGuard, used_share
from sonotype.catalog.port import Idempotency
from sonotype.core.errors import Code


class Disk:
    """A disk that is as full as a test wants."""

    def __init__(self, used: float) -> None:
        self.used = used

    def __call__(self, _: Path) -> float:
        return self.used


def test_room_comes_back_five_points_below(tmp_path: Path) -> None:
    disk = Disk(0.5)
    guard = DiskGuard(tmp_path, 0.95, disk)
    seen = []
    for disk.used in (0.5, 0.94, 0.95, 0.94, 0.91, 0.89, 0.94, 0.96, 0.5):
        seen.append(guard.has_room())
    assert seen == [True, True, False, False, False, True, True, False, True]


def test_share_of_a_real_disk(tmp_path: Path) -> None:
    assert 0.0 < used_share(tmp_path) < 1.0


class Usage:
    """What `shutil.disk_usage` tells of a disk with so many bytes free."""

    def __init__(self, free: int) -> None:
        self.total = self.used = 1 << 30
        self.free = free


async def test_full_disk_is_opened_with_the_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = await opened(tmp_path)
    await catalog.put(draft(1, "a"))
    await catalog.aclose()
    assert (tmp_path / opening.RESERVE).stat().st_size == reserve.BYTES
    monkeypatch.setattr(reserve.shutil, "disk_usage", lambda _: Usage(0))
    connect = opening.connect_writer

    def fails_while_there_is_a_reserve(path: Path) -> sqlite3.Connection:
        if (tmp_path / opening.RESERVE).exists():
            raise sqlite3.OperationalError("disk I/O error")
        return connect(path)

    monkeypatch.setattr(opening, "connect_writer", fails_while_there_is_a_reserve)
    again = await opened(tmp_path)
    assert (await again.search(vector(1), 1)).candidates.ids == ("a",)
    await again.aclose()
    assert not (tmp_path / opening.RESERVE).exists()


async def test_reserve_stays_where_the_disk_is_not_the_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await (await opened(tmp_path)).aclose()

    def fails(_: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(opening, "connect_writer", fails)
    with refused(Code.UNAVAILABLE):
        await opened(tmp_path)
    assert (tmp_path / opening.RESERVE).exists()


async def test_full_disk_stops_writes_and_not_reads(tmp_path: Path) -> None:
    disk = Disk(0.5)
    catalog = await opened(tmp_path, measure=disk)
    key = Idempotency("client", "k", "11" * 32)
    await catalog.put(draft(1, "a"), key)
    await catalog.put(draft(2, "b"))
    disk.used = 0.97
    with refused(Code.INSUFFICIENT_STORAGE):
        await catalog.put(draft(3, "c"))
    assert (await catalog.put(draft(1, "a"), key)).replayed
    assert (await catalog.search(vector(1), 1)).candidates.ids == ("a",)
    assert not (await catalog.status()).writable
    await catalog.delete("b")  # makes room
    disk.used = 0.93
    with refused(Code.INSUFFICIENT_STORAGE):
        await catalog.put(draft(3, "c"))
    disk.used = 0.8
    await catalog.put(draft(3, "c"))
    assert await ids_of(catalog) == ["a", "c"]
    assert (await catalog.status()).writable
    await catalog.aclose()


async def test_database_that_cannot_grow_refuses_and_lives_on(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    await catalog.put(draft(1, "a"))
    writer = catalog._parts.writer
    pages = await writer.run(lambda steps: int(steps.db.execute("PRAGMA page_count").fetchone()[0]))
    await writer.run(lambda steps: steps.db.execute(f"PRAGMA max_page_count = {pages}").fetchall())
    with refused(Code.INSUFFICIENT_STORAGE):
        await catalog.put(draft(2, "b", extra={"padding": "x" * 100_000}))
    assert (await catalog.search(vector(2), 5)).candidates.ids == ("a",)
    await writer.run(lambda steps: steps.db.execute(f"PRAGMA max_page_count = {pages + 1000}").fetchall())
    await catalog.put(draft(2, "b", extra={"padding": "x" * 100_000}))
    assert await ids_of(catalog) == ["a", "b"]
    await catalog.aclose()
