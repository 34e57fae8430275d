from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from conformance import draft, refused
from embedded_kit import ids_of, opened, rows

from sonotype.catalog.embedded import schema
from sonotype.core.errors import Code


async def test_database_survives_a_loss_of_power(tmp_path: Path) -> None:
    with closing(schema.connect_writer(tmp_path / "x")) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        schema.migrate(db)
        assert db.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)
        assert db.execute("PRAGMA application_id").fetchone() == (schema.APPLICATION_ID,)


def test_reader_cannot_write(tmp_path: Path) -> None:
    with closing(schema.connect_writer(tmp_path / "x")) as db, closing(schema.connect_reader(tmp_path / "x")) as reader:
        schema.migrate(db)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM tracks")


async def test_next_version_is_applied_to_what_is_there(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    await catalog.put(draft(1, "a"))
    await catalog.aclose()
    more = (*schema.MIGRATIONS, ("ALTER TABLE tracks ADD COLUMN mood TEXT", "UPDATE tracks SET mood = 'calm'"))
    with closing(schema.connect_writer(tmp_path / "catalog.sqlite")) as db:
        schema.migrate(db, more)
        schema.migrate(db, more)
        assert db.execute("SELECT id, mood FROM tracks").fetchall() == [("a", "calm")]
        assert db.execute("PRAGMA user_version").fetchone() == (2,)


async def test_failing_version_changes_nothing(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    await catalog.put(draft(1, "a"))
    await catalog.aclose()
    broken = (*schema.MIGRATIONS, ("ALTER TABLE tracks ADD COLUMN mood TEXT", "UPDATE nothing SET mood = 'calm'"))
    with closing(schema.connect_writer(tmp_path / "catalog.sqlite")) as db:
        with pytest.raises(sqlite3.OperationalError):
            schema.migrate(db, broken)
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert "mood" not in [column[1] for column in db.execute("PRAGMA table_info(tracks)")]
    again = await opened(tmp_path)
    assert await ids_of(again) == ["a"]
    await again.aclose()


async def test_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    await (await opened(tmp_path)).aclose()
    rows(tmp_path, "PRAGMA user_version = 99")
    with refused(Code.CONFLICT):
        await opened(tmp_path)
    assert rows(tmp_path, "PRAGMA user_version") == [(99,)]


async def test_database_of_another_program_is_refused(tmp_path: Path) -> None:
    rows(tmp_path, "CREATE TABLE theirs (x)")
    with refused(Code.CONFLICT):
        await opened(tmp_path)
    assert rows(tmp_path, "SELECT name FROM sqlite_master") == [("theirs",)]
