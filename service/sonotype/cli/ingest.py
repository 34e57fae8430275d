"""`sonotype ingest`: a folder, a manifest or a playlist goes into the catalogue."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from sonotype.api.http.render_jobs import files_body, job_body
from sonotype.audio.tag_reader import TagReader
from sonotype.catalog.jobs.job import Job, JobKind, JobRequest
from sonotype.catalog.jobs.store import JobStore
from sonotype.catalog.track import DEFAULT_COLLECTION
from sonotype.cli.document import Document
from sonotype.cli.errors import reported, show_error, stderr
from sonotype.cli.ingest_source import Source, locate
from sonotype.cli.ingest_target import open_target
from sonotype.cli.job_bar import JobBar
from sonotype.cli.job_report import Format, write_job
from sonotype.cli.options import ApiKey
from sonotype.cli.wiring import wiring
from sonotype.core.settings import Settings
from sonotype.plane.catalog.ingest.files import Reading
from sonotype.plane.catalog.ingest.patience import PausedError
from sonotype.plane.catalog.ingest.rooted import Root
from sonotype.plane.catalog.ingest.runner import Runner, Running
from sonotype.plane.catalog.ingest.target import IngestTarget
from sonotype.plane.catalog.ingest.watch import watch
from sonotype.plane.catalog.limits import check_collection

_AWAY_S = 60.0
_PAGE = 200
_INTERRUPTED = 130  # 128 + SIGINT, as shells say it


def ingest(
    ctx: typer.Context,
    what: Annotated[Path, typer.Argument(help="A folder, a manifest (.csv), a playlist (.m3u, .m3u8) or one file.")],
    collection: Annotated[str, typer.Option(help="Where the tracks go; a manifest may say otherwise.")] = (
        DEFAULT_COLLECTION
    ),
    root: Annotated[
        Path | None,
        typer.Option(help="Files must lie in here, and are known by their path below it; default: see above."),
    ] = None,
    at_once: Annotated[int | None, typer.Option(min=1, help="Files analysed at once.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Look for files anew instead of going on.")] = False,
    server: Annotated[str | None, typer.Option(help="Upload to a running service, e.g. http://localhost:8000.")] = None,
    api_key: ApiKey = None,
    format: Annotated[Format, typer.Option(help="How to print what became of the files.")] = Format.TABLE,
) -> None:
    """Put audio files into the catalogue: in this process, or of a running service with --server.

    Title, artist, album, year, genres, tempo, MusicBrainz id and ISRC are read from the files' own tags. A manifest
    is a CSV file with a column `path` (relative to it) and any of id, collection, external_id, title, artist, album,
    year, duration_s, tempo_bpm, mbid, isrc, tags (separated by |); what it says beats the tags, and other columns are
    kept as they are. A playlist only fills in for tags that are missing.

    A run that was stopped, killed or lost its service goes on where it stopped when the same command is given again.
    A file that is in the catalogue as it is costs nothing the next time. Links are not followed; whatever cannot be
    read is told and skipped.

    A track's external id is its file's path below --root; without one, below SONOTYPE_INGEST_ROOT where the files lie
    in it; else the whole path. A manifest or playlist may name files in that root only, or beside it in its folder.

    Examples:
      sonotype ingest ~/Music
      sonotype ingest ~/Music/live --root ~/Music --collection live
      sonotype ingest tracks.csv --format jsonl > outcomes.jsonl
      sonotype ingest party.m3u8 --root ~/Music
      sonotype ingest ~/Music --server http://localhost:8000
    """
    with reported():
        settings = Settings()
        check_collection(collection)
        source = locate(what, root, None if server else settings.ingest_root)
        journal = source.journal(settings.data_dir, collection, server)
        if restart:
            shutil.rmtree(journal, ignore_errors=True)
        opened = open_target(wiring(ctx), settings, server, api_key)
        run = _Run(source, journal, collection, settings, at_once or settings.ingest_concurrency, format)
        try:
            code = asyncio.run(run.within(opened))
        except PausedError as paused:
            show_error(paused.error)
            raise _stopped(paused.error.meaning.exit) from None
        except KeyboardInterrupt:
            raise _stopped(_INTERRUPTED) from None
    raise typer.Exit(code)


class _Run:
    """One run of a job, the first or a later one."""

    def __init__(
        self, source: Source, journal: Path, collection: str, settings: Settings, at_once: int, form: Format
    ) -> None:
        self._source = source
        self._journal = journal
        self._request = JobRequest(JobKind.INGEST, source.path, collection)
        self._settings = settings
        self._at_once = at_once
        self._form = form

    async def within(self, opened: contextlib.AbstractAsyncContextManager[IngestTarget]) -> int:
        """Run to the end; the exit code."""
        async with contextlib.AsyncExitStack() as stack:
            target = await stack.enter_async_context(opened)
            store, tags = JobStore(self._journal), TagReader()
            stack.push_async_callback(store.aclose)
            stack.push_async_callback(tags.aclose)
            job = await self._job(store)
            reading = Reading(
                Root(self._source.folder),
                self._settings.max_upload_bytes,
                prefix=self._source.prefix,
                keeps_source=self._source.keeps_source,
                away_s=_AWAY_S,
            )
            running = Running(reading, str(self._source.folder), self._at_once)
            ended = await _shown(store, job.id, Runner(store, target, tags, running))
            code = await write_job(self._form, job_body(ended), _files(store, job.id))
        shutil.rmtree(self._journal, ignore_errors=True)
        return code

    async def _job(self, store: JobStore) -> Job:
        """The job that was not finished, or a new one."""
        left = [job for job in await store.unended() if job.request == self._request]
        if not left:
            return await store.create(self._request)
        if left[0].total:
            done = job_body(left[0])["done"]
            stderr.print(f"[dim]going on with a run that was stopped: {done} of {left[0].total} files are done[/]")
        return left[0]


async def _shown(store: JobStore, job_id: str, runner: Runner) -> Job:
    """Run a job and draw it meanwhile."""
    with JobBar() as bar:

        async def draw() -> None:
            async for job in watch(store, job_id):
                bar.show(job_body(job))

        drawing = asyncio.create_task(draw())
        try:
            return await runner.run(job_id)
        finally:
            drawing.cancel()
            await asyncio.gather(drawing, return_exceptions=True)


async def _files(store: JobStore, job_id: str) -> AsyncIterator[Document]:
    cursor: str | None = None
    while True:
        files, cursor = await store.files(job_id, None, cursor, _PAGE)
        for file in files_body(files, cursor)["files"]:
            yield file
        if cursor is None:
            return


def _stopped(code: int) -> typer.Exit:
    stderr.print("stopped; give the same command again to go on where it stopped")
    return typer.Exit(code)
