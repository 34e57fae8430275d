"""`sonotype catalog` in process, on the embedded engine and on a milvus-lite."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import structlog
from typer.testing import CliRunner

from sonotype.catalog.embedded.catalog import EmbeddedCatalog
from sonotype.catalog.track import Draft, Metadata
from sonotype.cli.app import app

GENERATION = "net@1.pool.0123456789ab"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data directory whose catalogue holds three tracks."""
    monkeypatch.setenv("SONOTYPE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SONOTYPE_CATALOG_FULL_AT", "1")

    async def fill() -> None:
        catalog = await EmbeddedCatalog.open(tmp_path / "catalog", full_at=1.0)
        await catalog.add_generation("net@pool", GENERATION, "01" * 32, 4)
        for number, vector in enumerate(np.eye(4, dtype=np.float32)[:3]):
            await catalog.put(Draft(Metadata(title=f"[bold]{number}"), {GENERATION: vector}, f"t{number}"))
        await catalog.aclose()

    handlers = list(logging.getLogger().handlers)
    asyncio.run(fill())
    yield tmp_path
    logging.getLogger().handlers[:] = handlers  # the command sends its logs to a stream of its own
    structlog.reset_defaults()


def run(*arguments: str, code: int = 0) -> str:
    """Standard output of a command."""
    result = CliRunner().invoke(app, ["catalog", *arguments])
    assert result.exit_code == code, result.output
    return result.stdout


def test_status_and_promote(home: Path) -> None:
    facts = json.loads(run("status", "--json"))
    assert (facts["engine"], facts["tracks"], facts["stale"]) == ("embedded", 3, 0)
    table = run("status")
    assert "3 tracks, 0 of them stale" in table
    assert GENERATION[:20] in table
    assert json.loads(run("promote", GENERATION, "--json"))["current"] is True
    run("promote", "never", code=2)


def test_drop_gives_room_back_but_not_what_is_searched(home: Path) -> None:
    older = "net@0.pool.ba9876543210"

    async def add() -> None:
        catalog = await EmbeddedCatalog.open(home / "catalog", full_at=1.0)
        await catalog.add_generation("net@pool", older, "02" * 32, 4)
        await catalog.aclose()

    asyncio.run(add())
    assert CliRunner().invoke(app, ["catalog", "drop", older], input="n\n").exit_code == 1
    assert "is deleted" in run("drop", older, "--yes")
    assert [one["name"] for one in json.loads(run("status", "--json"))["generations"]] == [GENERATION]
    run("drop", GENERATION, "--yes", code=2)


def test_export_and_import_into_another_engine(home: Path) -> None:
    pytest.importorskip("pymilvus", reason="pymilvus is not installed (extra `milvus`)")
    pytest.importorskip("milvus_lite", reason="milvus-lite is not installed (extra `test`)")
    path, url = home / "all.jsonl.gz", str(home / "lite.db")
    assert json.loads(run("export", str(path), "--json"))["tracks"] == 3
    assert "3 stored, 0 unchanged, 0 refused" in run("import", str(path), "--url", url)
    again = json.loads(run("import", str(path), "--url", url, "--json"))
    assert (again["stored"], again["unchanged"], again["current"]) == (0, 3, GENERATION)


def test_bad_file_and_bad_address(home: Path) -> None:
    (home / "bad").write_bytes(b"hello\n")
    run("import", str(home / "bad"), code=2)
    run("import", str(home / "missing"), code=2)
    run("status", "--server", "http://127.0.0.1:1", code=5)
    run("export", str(home / "x"), "--url", "redis://x", code=2)
    assert not (home / "x").exists()
