"""What `sonotype train prototypes` shows: bars, a table, and the files it skipped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from sonotype.cli.errors import show_error, stderr
from sonotype.core.errors import Code, SonotypeError

if TYPE_CHECKING:
    from sonotype.training.embed import Embedded
    from sonotype.training.prototypes.parts import Study

_SHOWN_SKIPPED = 10


def progress() -> Progress:
    """Bars on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=stderr)


class Bars:
    """One bar for each training."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, name: str, done: int, total: int) -> None:
        """Move the bar called `name`."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)


def warn(embedded: Embedded) -> None:
    """Name files that were skipped, the first ten."""
    for skipped in embedded.skipped[:_SHOWN_SKIPPED]:
        show_error(SonotypeError(Code.UNDECODABLE, f"skipped: {skipped.reason}"), skipped.path.name)
    if len(embedded.skipped) > _SHOWN_SKIPPED:
        stderr.print(f"... and {len(embedded.skipped) - _SHOWN_SKIPPED} more; report.md lists them")


def show(study: Study, folder: Path) -> None:
    """Print the table of results and what was kept."""
    from sonotype.training.prototypes.report import cells  # noqa: PLC0415

    table = Table(
        box=None, header_style="bold", pad_edge=False, title=f"{study.metric}, per cent", title_justify="left"
    )
    for column in ("Method", "Validation", "Test", "Seeds"):
        table.add_column(column, justify="left" if column == "Method" else "right")
    for row in study.rows:
        table.add_row(*cells(row))
    console = Console()
    console.print(table)
    if study.to_perceptron is not None:
        console.print(f"prototypes minus MLP: {study.to_perceptron} points", highlight=False)
    console.print(f"kept: K = {study.options.per_class}, seed {study.seed} → {folder}", highlight=False, soft_wrap=True)
