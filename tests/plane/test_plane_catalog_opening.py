"""The catalogue is opened beside the service: what is said until it is open, and what happens where it cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from catalog_plane_kit import deployment_in, refused
from catalog_standin import StandIn

from sonotype.catalog.jobs.job import JobKind, JobRequest
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import Analysis, Upload
from sonotype.plane.catalog.assembly import OpenCatalog, assemble
from sonotype.plane.catalog.opening import CatalogDoor
from sonotype.plane.prototypes import Prototypes
from sonotype.plane.query import AnalyzeQuery

Opening = Callable[[], AbstractAsyncContextManager[OpenCatalog]]


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    lineup = SimpleNamespace(deployment=deployment_in(tmp_path), prototypes=Prototypes(()))
    lineups = SimpleNamespace(current=lineup, lease=nullcontext, follower=None)
    settings = Settings(data_dir=tmp_path / "data", catalog_embedding="fake@vector")

    async def analyze(upload: Upload, query: AnalyzeQuery) -> Analysis:
        raise AssertionError("nothing is analysed here")

    @asynccontextmanager
    async def open_catalog() -> AsyncIterator[OpenCatalog]:
        async with assemble(StandIn(), settings, lineups, analyze) as opened:
            yield opened

    return open_catalog


async def test_a_plane_without_a_catalogue_says_so() -> None:
    door = CatalogDoor(None)
    door.start()
    await door.wait()
    assert (door.state, door.problems) == ("none", ())
    with refused(Code.UNAVAILABLE, "without"):
        _ = door.plane
    await door.aclose()


async def test_it_is_open_in_the_background(opening: Opening) -> None:
    may_open = asyncio.Event()

    @asynccontextmanager
    async def slowly() -> AsyncIterator[OpenCatalog]:
        await may_open.wait()
        async with opening() as opened:
            yield opened

    door = CatalogDoor(slowly)
    door.start()
    await asyncio.sleep(0)
    assert door.state == "opening"
    with pytest.raises(SonotypeError) as caught:
        _ = door.plane
    assert (caught.value.code, caught.value.retry_after_s) == (Code.UNAVAILABLE, 5.0)
    may_open.set()
    await door.wait()
    assert (door.state, door.problems) == ("ok", ())
    assert (await door.plane.status()).tracks == 0
    await door.aclose()
    with refused(Code.UNAVAILABLE):
        _ = door.plane


async def test_it_is_tried_again_until_it_opens(opening: Opening) -> None:
    attempts: list[SonotypeError | ValueError] = [
        SonotypeError(Code.CONFLICT, "Another process holds the catalogue."),
        ValueError("a fault of ours"),
    ]

    @asynccontextmanager
    async def at_last() -> AsyncIterator[OpenCatalog]:
        if attempts:
            raise attempts.pop(0)
        async with opening() as opened:
            yield opened

    door = CatalogDoor(at_last, retry_s=0.01)
    door.start()
    with refused(Code.CONFLICT, "Another process"):
        await door.wait()
    assert door.state == "away"
    assert door.problems == ("Another process holds the catalogue.",)
    with refused(Code.UNAVAILABLE, "Another process"):
        _ = door.plane
    async with asyncio.timeout(5):
        while door.state != "ok":
            await asyncio.sleep(0.005)
    await door.wait()
    await door.aclose()


async def test_it_can_be_closed_while_it_opens() -> None:
    left = asyncio.Event()

    @asynccontextmanager
    async def never() -> AsyncIterator[OpenCatalog]:
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        raise AssertionError
        yield

    door = CatalogDoor(never)
    door.start()
    await asyncio.sleep(0)
    await door.aclose()
    assert left.is_set()


async def test_a_deployment_without_an_ingest_root_takes_no_jobs(opening: Opening) -> None:
    async with opening() as opened:
        with refused(Code.FORBIDDEN):
            await opened.service.create_job(JobRequest(JobKind.INGEST, "music"))
        with refused(Code.INVALID_REQUEST, "collection"):
            await opened.service.create_job(JobRequest(JobKind.INGEST, "music", collection="a/b"))
        assert await opened.service.jobs(None, 5) == ([], None)
        for call in (
            opened.service.job("j"),
            opened.service.cancel_job("j"),
            opened.service.job_files("j", None, None, 5),
        ):
            with refused(Code.NOT_FOUND):
                await call


async def test_a_file_of_jobs_that_cannot_be_opened_stops_nothing_else(tmp_path: Path, opening: Opening) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    async with opening() as opened:
        assert (await opened.service.status()).tracks == 0
        for call in (opened.service.create_job(JobRequest(JobKind.REEMBED)), opened.service.jobs(None, 5)):
            with refused(Code.UNAVAILABLE, "jobs"):
                await call
        with refused(Code.UNAVAILABLE, "jobs"):
            opened.service.watch_job("j")
