"""`sonotype catalog`: look at the catalogue, choose its generation, take it from one engine to another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import quote

import typer
from pydantic import SecretStr

from sonotype.api.http.render_catalog import catalog_body, generation_body
from sonotype.catalog.engines import open_engine
from sonotype.catalog.port import Catalog
from sonotype.catalog.transfer.exporting import export
from sonotype.catalog.transfer.importing import Outcome, import_
from sonotype.cli.asking import run
from sonotype.cli.catalog_views import TrackBar, generations_table, imported_lines
from sonotype.cli.document import Document, print_document, print_json
from sonotype.cli.errors import reported
from sonotype.cli.options import ApiKey, Json, Server
from sonotype.cli.rest import open_rest
from sonotype.core.settings import Settings
from sonotype.plane.catalog.generations import promote as promote_checked
from sonotype.telemetry.logs import configure

app = typer.Typer(
    help="Look at the catalogue, choose the generation that is searched, move it to another engine.\n\n"
    "Begin with: [bold]sonotype catalog status[/]",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
Url = Annotated[
    str | None,
    typer.Option(help="Another engine than the configured one: http://host:19530, or a path that ends in .db."),
]
File = Annotated[Path, typer.Argument(help="The file; it is compressed where its name ends in .gz.")]
T = TypeVar("T")


@app.command()
def status(server: Server = None, api_key: ApiKey = None, as_json: Json = False) -> None:
    """Tell how many tracks there are, how many are stale, and which generation is searched.

    Example: [bold]sonotype catalog status --server http://localhost:8000[/]
    """
    with reported():
        if server:
            document = _ask(server, api_key, "GET", "/v1/catalog")
        else:
            document = catalog_body(_local(None, lambda engine: engine.status()))
    print_document(document, generations_table(document), as_json)


@app.command()
def promote(
    generation: Annotated[str, typer.Argument(help="Name of a generation, from `sonotype catalog status`.")],
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Let searches use a generation, newer or older; refused while its index finds less than 95 % of the neighbours.

    Example: [bold]sonotype catalog promote musicnn-msd@1.penultimate.0123456789ab[/]
    """
    with reported():
        if server:
            path = f"/v1/catalog/generations/{quote(generation, safe='')}/promote"
            document = _ask(server, api_key, "POST", path)
        else:
            document = generation_body(_local(None, lambda engine: promote_checked(engine, generation)))
    if as_json:
        print_json(document)
    else:
        typer.echo(f"searches use {document['name']} now ({document['tracks']} tracks)")


@app.command()
def drop(
    generation: Annotated[str, typer.Argument(help="Name of a generation that is not searched.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a generation with its vectors, to get their room back; searches cannot go back to it. Tracks stay.

    Stop the service first where the catalogue is the embedded one.

    Example: [bold]sonotype catalog drop musicnn-msd@1.penultimate.0123456789ab[/]
    """
    if not yes:
        typer.confirm(f"Delete every vector of {generation}?", abort=True)
    with reported():
        _local(None, lambda engine: engine.drop_generation(generation))
    typer.echo(f"{generation} is deleted")


@app.command("export")
def export_(path: File, url: Url = None, as_json: Json = False) -> None:
    """Write the whole catalogue to a file: tracks, the vectors of every generation, and which one is searched.

    Stop the service first where the catalogue is the embedded one.

    Example: [bold]sonotype catalog export catalogue.jsonl.gz[/]
    """
    with reported(), TrackBar("exported") as bar:
        tracks = _local(url, lambda engine: export(engine, path, bar.show))
    if as_json:
        print_json({"file": str(path), "tracks": tracks, "n_bytes": path.stat().st_size})
    else:
        typer.echo(f"{path}: {tracks} tracks")


@app.command("import")
def import_command(path: File, url: Url = None, as_json: Json = False) -> None:
    """Store every track of a file under its id; after a kill, repeat it: what is there already is passed over.

    Exit code 2 if tracks were refused, for one because another track has their external id.

    Example: [bold]sonotype catalog import catalogue.jsonl.gz --url http://localhost:19530[/]
    """
    with reported(), TrackBar("imported") as bar:
        outcome: Outcome = _local(url, lambda engine: import_(engine, path, bar.show))
    if as_json:
        refused = [{"id": id_, "reason": reason} for id_, reason in outcome.refused]
        facts = {"stored": outcome.stored, "unchanged": outcome.unchanged, "refused": refused}
        print_json(facts | {"current": outcome.current, "problem": outcome.problem})
    else:
        for line in imported_lines(outcome):
            typer.echo(line)
    if outcome.refused or outcome.problem:
        raise typer.Exit(2)


def _local(url: str | None, ask: Callable[[Catalog], Awaitable[T]]) -> T:
    """Open the engine, ask, close: no model is loaded for this."""
    settings = Settings() if url is None else Settings(catalog_url=SecretStr(url))
    configure(settings.log_format, "warning")
    return run(open_engine(settings), ask)


def _ask(server: str, api_key: str | None, method: str, path: str) -> Document:
    return run(open_rest(server, api_key), lambda rest: rest.document(method, path))
