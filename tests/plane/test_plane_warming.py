"""Warming up in the background: what goes wrong there is said, and ends nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from sonotype.core.settings import Settings
from sonotype.main import _background
from sonotype.plane.service import Service


class Plane:
    """Only tidies and warms up."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error
        self.begun = asyncio.Event()
        self.tidied = asyncio.Event()

    async def tidy_up(self) -> None:
        self.tidied.set()

    async def warm_up(self) -> None:
        self.begun.set()
        if self._error is not None:
            raise self._error
        await asyncio.Event().wait()


@pytest.mark.parametrize(("error", "lines"), [(ValueError("a bug"), 1), (None, 0)])
async def test_an_error_is_logged_and_the_end_of_the_service_is_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception | None, lines: int
) -> None:
    plane = Plane(error)
    async with _background(cast("Service", plane), Settings(data_dir=tmp_path, sonify_warm=True)):
        await plane.begun.wait()
        await asyncio.sleep(0)
        assert len(caplog.records) == lines, "said at once, not at the end"
    assert [record.exc_info[1] for record in caplog.records if record.exc_info] == [error] * lines


async def test_what_is_gone_is_removed_even_where_nothing_is_rendered_ahead(tmp_path: Path) -> None:
    plane = Plane(None)
    async with _background(cast("Service", plane), Settings(data_dir=tmp_path, sonify_warm=False)):
        await plane.tidied.wait()
        await asyncio.sleep(0)
    assert not plane.begun.is_set()
