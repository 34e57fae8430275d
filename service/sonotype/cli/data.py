"""`sonotype data`: make and read training data."""

from __future__ import annotations

import os
from collections import Counter
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

    from sonotype.training.data.dataset import Example, Split

app = typer.Typer(help="Make and read training data.", no_args_is_help=True, rich_markup_mode="rich")
make = typer.Typer(help="Make a data set offline, from sounds in public packages.", no_args_is_help=True)
read = typer.Typer(help="Write the manifest of a data set that you have.", no_args_is_help=True)
app.add_typer(make, name="make")
app.add_typer(read, name="read")
Root = Annotated[Path, typer.Argument(help="The folder of the data set.")]
Manifest = Annotated[Path, typer.Option("--out", help="The manifest to write.")]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
_CACHE = platformdirs.user_cache_path("sonotype") / "sounds"


@make.command()
def instruments(
    out: Annotated[Path, typer.Argument(help="The folder of the data set.")],
    phrases: Annotated[int, typer.Option(help="Phrases per class.", min=12)] = 480,
    tunes: Annotated[int, typer.Option(help="More phrases per class, from tunes that people wrote.", min=0)] = 0,
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
                tunes=tunes,
                seed=seed,
                jobs=jobs or os.cpu_count() or 1,
                on_fetch=fetching.begin,
                on_phrase=on_phrase,
            )
        Console().print(_summary(maker.summary(examples)))
        typer.echo(f"{len(examples)} files, {maker.hours(examples):.1f} hours: {out / maker.MANIFEST}")


@app.command("list")
def list_data() -> None:
    """List the data sets that can be made or read, and the sources that the made one is rendered from."""
    from sonotype.training.data.instruments import INSTRUMENTS  # noqa: PLC0415 (only this command needs it)
    from sonotype.training.data.sources import SOURCES  # noqa: PLC0415

    sets = Table("data set", "command", "what it is", title="data sets")
    sets.add_row("instruments", "data make instruments", f"{len(INSTRUMENTS)} instruments, rendered and real phrases")
    sets.add_row("Medley-solos-DB", "data read medley-solos-db", "8 instruments, solos; test across collections")
    sets.add_row("GTZAN", "data read gtzan", "10 genres; splits pecmae and fault-filtered")
    table = Table("source", "used for", "licence", "title", title="sources of instruments")
    for source in SOURCES:
        use = "train, validation" if source.role == "train" else "test"
        table.add_row(source.name, use, source.licence, source.title)
    Console().print(sets, table)


@read.command("medley-solos-db")
def read_medley(root: Root, out: Manifest = Path("manifest.csv")) -> None:
    """Medley-solos-DB 1.2: all eight classes, its own splits; the counts are checked.

    Example: [bold]sonotype data read medley-solos-db ~/Medley-solos-DB --out medley.csv[/]
    """
    with _reported():
        from sonotype.training.data.medley import medley_solos_db  # noqa: PLC0415 (only this command needs it)

        _write(medley_solos_db(_folder(root)), out)


@read.command("gtzan")
def read_gtzan(
    root: Root,
    split: Annotated[str, typer.Option(help="pecmae or fault-filtered.")] = "pecmae",
    split_dir: Annotated[Path | None, typer.Option(help="The folder of the lists of fault-filtered.")] = None,
    out: Manifest = Path("manifest.csv"),
) -> None:
    """GTZAN with either of its two splits; the counts are checked. Results on the two are not comparable.

    Example: [bold]sonotype data read gtzan ~/gtzan --split fault-filtered --split-dir ~/lists --out gtzan.csv[/]
    """
    with _reported():
        from sonotype.training.data.gtzan import gtzan, known_split  # noqa: PLC0415 (only this command needs it)

        _write(gtzan(_folder(root), known_split(split), split_dir), out)


def _folder(path: Path) -> Path:
    folder = path.expanduser()
    if not folder.is_dir():
        raise SonotypeError(Code.INVALID_REQUEST, f"{path} is not a folder.")
    return folder


def _write(examples: Sequence[Example], out: Path) -> None:
    from sonotype.training.data.dataset import write_manifest  # noqa: PLC0415

    write_manifest(out.expanduser(), examples)
    counts = Counter(example.split for example in examples)
    words = ", ".join(f"{counts[split]} {split}" for split in SPLITS)
    typer.echo(f"{len(examples)} files ({words}): {out}")


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
