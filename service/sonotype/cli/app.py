"""The command `sonotype`."""

from __future__ import annotations

import typer

from sonotype import __version__
from sonotype.cli import (
    analyze,
    catalog,
    data,
    doctor,
    gate,
    ingest,
    jobs,
    listen,
    models,
    prototypes,
    serve,
    similar,
    sonify,
    taggers,
    tracks,
    train,
)
from sonotype.core.errors import TABLE

_EXIT_CODES = """
Exit codes: 0 done · 1 a fault of ours · 2 wrong usage or unknown model · 3 API key refused ·
4 some audio was refused · 5 busy, cancelled or past the deadline · 6 weights missing, corrupt or unreachable.
"""

app = typer.Typer(
    name="sonotype",
    help="A service that listens to music and answers with labels, neighbours and reasons.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("serve")(serve.serve)
app.command("analyze")(analyze.analyze)
app.command("listen")(listen.listen)
app.command("ingest")(ingest.ingest)
app.add_typer(tracks.app, name="tracks")
app.command("similar")(similar.similar)
app.command("playlist")(similar.playlist)
app.add_typer(taggers.app, name="taggers")
app.add_typer(jobs.app, name="jobs")
app.add_typer(catalog.app, name="catalog")
app.add_typer(prototypes.app, name="prototypes")
app.command("sonify")(sonify.sonify)
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")
app.add_typer(train.app, name="train")
app.command("gate")(gate.gate)
app.command("doctor")(doctor.doctor)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def documented_exit_codes() -> set[int]:
    """Exit codes that the table of errors can produce; the help text names each of them."""
    return {meaning.exit for meaning in TABLE.values()} | {0}
