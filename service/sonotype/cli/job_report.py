"""What became of a job, printed: a table for people, JSON and JSON lines for programs."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import Protocol

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sonotype.cli.document import Document
from sonotype.cli.errors import show_error
from sonotype.cli.job_bar import words_of
from sonotype.core.errors import TABLE, Code, SonotypeError

MAX_PROBLEMS = 50


class Format(StrEnum):
    """Output formats of what is about jobs."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


async def write_job(form: Format, job: Document, files: AsyncIterator[Document]) -> int:
    """Print a job and its files to stdout, its problems also to people; a million files are never held.

    Returns:
        The exit code: that of the first file that failed, or of the job itself.
    """
    failed: str | None = None
    kinds: dict[Format, type[_Writer]] = {Format.TABLE: _Table, Format.JSON: _Json, Format.JSONL: _Jsonl}
    writer = kinds[form](job)
    async for file in files:
        failed = failed or (file["code"] if file["state"] == "failed" else None)
        writer.file(file)
    writer.end()
    return exit_code(job, failed)


def exit_code(job: Document, failed: str | None) -> int:
    """0 where all is well or was only skipped."""
    if job["state"] == "cancelled":
        return TABLE[Code.CANCELLED].exit
    if job["state"] == "failed":
        return TABLE[Code.INVALID_REQUEST].exit
    return 0 if failed is None else TABLE[Code(failed)].exit


def write_jobs(form: Format, jobs: Sequence[Document]) -> None:
    """Print a list of jobs."""
    if form is Format.JSON:
        _write({"jobs": jobs}, orjson.OPT_INDENT_2)
    elif form is Format.JSONL:
        for job in jobs:
            _write(job)
    else:
        table = Table(box=None)
        for column in ("job", "kind", "state", "files", "path", "began"):
            table.add_column(column)
        for job in jobs:
            files = f"{job['done']}/{'?' if job['total'] is None else job['total']}"
            path = escape(job["path"] or "(everything)") if job["kind"] == "ingest" else job["generation"] or ""
            table.add_row(job["id"], job["kind"], job["state"], files, path, (job["started_at"] or "")[:19])
        Console().print(table)


def write_one(form: Format, job: Document) -> None:
    """Print one job."""
    if form is not Format.TABLE:
        _write(job, orjson.OPT_INDENT_2 if form is Format.JSON else 0)
        return
    table = Table(box=None, show_header=False)
    table.add_column(style="dim")
    counts = job["counts"]
    for name, value in (job | {"counts": words_of(counts) or "none yet"}).items():
        if value not in (None, ""):
            table.add_row(name.replace("_", " "), escape(str(value)))
    Console().print(table)


async def write_files(form: Format, files: AsyncIterator[Document]) -> None:
    """Print files as they come; JSON waits for the last."""
    if form is Format.JSON:
        _write({"files": [file async for file in files]}, orjson.OPT_INDENT_2)
        return
    async for file in files:
        if form is Format.JSONL:
            _write(file)
        else:
            said = file["detail"] or file["track"] or ""
            Console().print(f"{file['state']:<9} {escape(file['path'])}  [dim]{escape(said)}[/]", soft_wrap=True)


class _Writer(Protocol):
    def __init__(self, job: Document) -> None: ...

    def file(self, file: Document) -> None: ...

    def end(self) -> None: ...


class _Table:
    def __init__(self, job: Document) -> None:
        self._job = job
        self._problems = 0

    def file(self, file: Document) -> None:
        if file["state"] not in ("failed", "skipped"):
            return
        self._problems += 1
        if self._problems <= MAX_PROBLEMS:
            show_problem(file)

    def end(self) -> None:
        if self._problems > MAX_PROBLEMS:
            typer.echo(f"… and {self._problems - MAX_PROBLEMS} more: --format jsonl tells all.", err=True)
        if self._job["error"]:
            show_error(SonotypeError(Code.INVALID_REQUEST, self._job["error"]))
        state = self._job["state"].replace("_", " ")
        Console().print(f"[bold]{state}[/]: {words_of(self._job['counts']) or 'no files'}", highlight=False)


class _Json:
    def __init__(self, job: Document) -> None:
        self._first = True
        head = orjson.dumps(job).decode()
        sys.stdout.write(f'{{"job": {head}, "files": [')

    def file(self, file: Document) -> None:
        sys.stdout.write(("\n" if self._first else ",\n") + orjson.dumps(file).decode())
        self._first = False

    def end(self) -> None:
        sys.stdout.write("]}\n")


class _Jsonl:
    def __init__(self, job: Document) -> None:
        self._job = job

    def file(self, file: Document) -> None:
        _write(file)

    def end(self) -> None:
        if self._job["error"]:
            show_error(SonotypeError(Code.INVALID_REQUEST, self._job["error"]))


def show_problem(file: Document) -> None:
    """One line on stderr for a file that is not in the catalogue."""
    if file["code"] is not None:
        show_error(SonotypeError(Code(file["code"]), file["detail"] or ""), file["path"])
    else:
        typer.echo(f"{file['state']}: {file['path']}: {file['detail'] or ''}", err=True)


def _write(body: object, options: int = 0) -> None:
    sys.stdout.write(orjson.dumps(body, option=options | orjson.OPT_APPEND_NEWLINE).decode())
