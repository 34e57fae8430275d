"""How `sonotype catalog` shows a catalogue, and how far a transfer is."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from sonotype.catalog.transfer.importing import Outcome
from sonotype.cli.document import Document
from sonotype.cli.errors import stderr

_SHOWN = 20


class TrackBar:
    """A bar on standard error, for as long as the context is open; nothing where that is no terminal."""

    def __init__(self, words: str) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal)
        self._task: TaskID = self._progress.add_task(words, total=None)

    def __enter__(self) -> TrackBar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, done: int, total: int) -> None:
        """Tracks that are done, and all of them."""
        self._progress.update(self._task, completed=done, total=max(done, total))


def generations_table(document: Document) -> Group:
    """`GET /v1/catalog` as text and a table."""
    size = "" if document["bytes"] is None else f", {decimal(document['bytes'])}"
    full = "" if document["writable"] else ", [red]the disk is too full to store anything[/]"
    facts = f"{document['engine']}: {document['tracks']} tracks, {document['stale']} of them stale{size}{full}"
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("Generation", "Dim", "Tracks", "State", "Searched"):
        table.add_column(column, justify="right" if column in {"Dim", "Tracks"} else "left")
    for one in document["generations"]:
        mark = "[green]yes[/]" if one["current"] else "[dim]no[/]"
        state = escape(one["degraded"] or one["state"])
        table.add_row(escape(one["name"]), str(one["dim"]), str(one["tracks"]), state, mark)
    return Group(facts, table)


def imported_lines(outcome: Outcome) -> Iterator[str]:
    """What became of a file."""
    yield f"{outcome.stored} stored, {outcome.unchanged} unchanged, {len(outcome.refused)} refused"
    for id_, reason in outcome.refused[:_SHOWN]:
        yield f"  {id_}: {reason}"
    if len(outcome.refused) > _SHOWN:
        yield f"  and {len(outcome.refused) - _SHOWN} more (--json lists all)"
    yield f"searches use {outcome.current}" if outcome.current else "there is no generation to search"
    if outcome.problem:
        yield f"not moved to the generation of the file: {outcome.problem} Then: sonotype catalog promote"
