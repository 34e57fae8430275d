"""`sonotype taggers`: fit a tagger to tagged tracks, let it tag others, and correct it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from sonotype.cli.asking import run
from sonotype.cli.document import Document, print_document, print_json
from sonotype.cli.errors import reported
from sonotype.cli.options import ApiKey, Json, Server
from sonotype.cli.tagger_calls import TaggerCalls, open_tagger_calls
from sonotype.cli.tagger_progress import create_told
from sonotype.cli.tagger_views import (
    change_sentence,
    report_view,
    tagged_table,
    tagger_details,
    taggers_table,
    versions_table,
)
from sonotype.cli.tracks import Artists, Collections, Labels, Several, Tags, filter_of
from sonotype.cli.wiring import wiring
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Upload

app = typer.Typer(
    help="Taggers that your own tags teach: fit one, let it tag the rest, correct it.\n\n"
    "Begin with: [bold]sonotype taggers create moods[/], then [bold]sonotype taggers tag moods ID[/]",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a tagger.")]
Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]
T = TypeVar("T")


@app.command()
def create(
    ctx: typer.Context,
    name: Name,
    table: Annotated[Path | None, typer.Option("--csv", help="Tracks and labels from this table: id,label,…")] = None,
    only: Annotated[Several, typer.Option("--only", help="Only this label; repeatable. Default: all.")] = None,
    method: Annotated[str, typer.Option(help="How tracks are cut into parts.")] = "entropy",
    budget: Annotated[
        float, typer.Option(help="Prototypes: a share of the tracks below 1 (but 8 at least), or a number.")
    ] = 0.05,
    k: Annotated[int | None, typer.Option("-k", min=1, help="Prototypes to ask.")] = None,
    collection: Collections = None,
    artist: Artists = None,
    tag: Tags = None,
    label: Labels = None,
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Fit a tagger to the tracks of the catalogue and their own tags, or to a table.

    Example: [bold]sonotype taggers create moods --collection vinyl --budget 0.1[/]
    """
    body: Document = {"name": name, "labels": only or [], "method": method, "budget": budget, "k": k}
    body["from"] = filter_of(collection, artist, tag, label)
    with reported():
        csv = None if table is None else _read(table)
    made = _asked(ctx, server, api_key, lambda calls: create_told(calls, body, csv))
    print_document(made, tagger_details(made), as_json)


@app.command("list")
def list_taggers(ctx: typer.Context, server: Server = None, api_key: ApiKey = None, as_json: Json = False) -> None:
    """List taggers.

    Example: [bold]sonotype taggers list[/]
    """
    found = _asked(ctx, server, api_key, lambda calls: calls.all())
    print_document(found, taggers_table(found), as_json)


@app.command()
def show(ctx: typer.Context, name: Name, server: Server = None, api_key: ApiKey = None, as_json: Json = False) -> None:
    """Show how a tagger stands.

    Example: [bold]sonotype taggers show moods[/]
    """
    found = _asked(ctx, server, api_key, lambda calls: calls.get(name))
    print_document(found, tagger_details(found), as_json)


@app.command()
def tag(
    ctx: typer.Context,
    name: Name,
    what: Annotated[list[str], typer.Argument(metavar="ID…", help="Ids of tracks, or one audio file.")],
    top_k: Annotated[int, typer.Option(min=0, help="Labels to show.")] = 10,
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Hide labels with a lower score.")] = 0.0,
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Say which labels fit, and which tracks decided.

    Example: [bold]sonotype taggers tag moods 3f2a… 9bc1…[/]
    """
    body: Document = {"top_k": top_k, "threshold": threshold}
    upload = None
    if len(what) == 1 and Path(what[0]).is_file():
        with reported():
            upload = Upload.of(_read(Path(what[0])))
    else:
        body["tracks"] = what
    found = _asked(ctx, server, api_key, lambda calls: calls.tag(name, body, upload), listens=upload is not None)
    print_document(found, tagged_table(found), as_json)


@app.command()
def feedback(
    ctx: typer.Context,
    name: Name,
    track: Annotated[str, typer.Argument(metavar="ID", help="Id of a track.")],
    label: Annotated[str, typer.Argument(metavar="LABEL", help="One of the tagger's labels.")],
    positive: Annotated[bool, typer.Option("--is/--is-not", help="It is, or is not.")] = True,
    event: Annotated[str | None, typer.Option(help="Your own id of this: sent again it changes nothing.")] = None,
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Correct a tagger: this track is, or is not, what the label says.

    Example: [bold]sonotype taggers feedback moods 3f2a… calm --is-not[/]
    """
    body: Document = {"track": track, "label": label, "is": positive, "event": event}
    _told(_asked(ctx, server, api_key, lambda calls: calls.feedback(name, body)), as_json)


@app.command()
def undo(ctx: typer.Context, name: Name, server: Server = None, api_key: ApiKey = None, as_json: Json = False) -> None:
    """Take the last correction back.

    Example: [bold]sonotype taggers undo moods[/]
    """
    _told(_asked(ctx, server, api_key, lambda calls: calls.undo(name)), as_json)


@app.command()
def rollback(
    ctx: typer.Context,
    name: Name,
    version: Annotated[int, typer.Argument(min=1, help="1 is the tagger as it was fitted.")],
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Go back, or forth, to a version.

    Example: [bold]sonotype taggers rollback moods 1[/]
    """
    _told(_asked(ctx, server, api_key, lambda calls: calls.rollback(name, version)), as_json)


@app.command()
def versions(
    ctx: typer.Context,
    name: Name,
    limit: Limit = 20,
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """List the newest changes.

    Example: [bold]sonotype taggers versions moods[/]
    """
    found = _asked(ctx, server, api_key, lambda calls: calls.versions(name, limit))
    print_document(found, versions_table(found), as_json)


@app.command()
def report(
    ctx: typer.Context,
    name: Name,
    limit: Limit = 20,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the doubtful labels as a table for programs.")] = False,
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Measure a tagger on its own tracks, and name labels that look wrong.

    Example: [bold]sonotype taggers report moods --csv > doubts.csv[/]
    """
    found = _asked(ctx, server, api_key, lambda calls: calls.report(name, limit, as_csv))
    if isinstance(found, str):
        typer.echo(found, nl=False)
    else:
        print_document(found, report_view(found), as_json)


@app.command()
def delete(ctx: typer.Context, name: Name, server: Server = None, api_key: ApiKey = None) -> None:
    """Delete a tagger for good; the tracks stay.

    Example: [bold]sonotype taggers delete moods[/]
    """
    _asked(ctx, server, api_key, lambda calls: calls.delete(name))
    typer.echo(f"{name} is deleted")


def _asked(
    ctx: typer.Context,
    server: str | None,
    api_key: str | None,
    call: Callable[[TaggerCalls], Awaitable[T]],
    *,
    listens: bool = False,
) -> T:
    with reported():
        return run(open_tagger_calls(wiring(ctx), server, api_key, listens=listens), call)


def _told(change: Document, as_json: bool) -> None:
    if as_json:
        print_json(change)
    else:
        typer.echo(change_sentence(change))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SonotypeError(Code.INVALID_REQUEST, f"{path} cannot be read ({type(error).__name__}).") from None
