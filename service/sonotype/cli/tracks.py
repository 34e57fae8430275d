"""`sonotype tracks`: list what the catalogue holds, look at one, compare two, delete."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from sonotype.cli.asking import run
from sonotype.cli.document import Document, print_document
from sonotype.cli.errors import reported
from sonotype.cli.options import ApiKey, Json, Server
from sonotype.cli.track_calls import TrackCalls, open_track_calls
from sonotype.cli.track_views import matches_table, track_details, tracks_table, why_details
from sonotype.cli.wiring import wiring

app = typer.Typer(
    help="The tracks of the catalogue: list them, look at one, compare two, delete.\n\n"
    "Begin with: [bold]sonotype ingest ~/Music[/], then [bold]sonotype tracks list[/]",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
TrackId = Annotated[str, typer.Argument(metavar="ID", help="Id of a track, from `sonotype tracks list`.")]
Several = list[str] | None
Collections = Annotated[Several, typer.Option("--collection", help="Only of this collection; repeatable.")]
Artists = Annotated[Several, typer.Option("--artist", help="Only by this artist; repeatable.")]
Tags = Annotated[Several, typer.Option("--tag", help="Only with this tag; repeat to ask for all of them.")]
Labels = Annotated[Several, typer.Option("--label", help="Only where a model said so; repeatable.")]
T = TypeVar("T")
_MOST_AT_ONCE = 200


@app.command("list")
def list_tracks(
    ctx: typer.Context,
    collection: Collections = None,
    artist: Artists = None,
    tag: Tags = None,
    label: Labels = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """List tracks in the order in which they came.

    Example: [bold]sonotype tracks list --label metal --limit 10[/]
    """
    where = filter_of(collection, artist, tag, label)
    tracks = asked(ctx, server, api_key, lambda calls: _gather(calls, where, limit))
    print_document(tracks, tracks_table(tracks), as_json)


@app.command("show")
def show_track(
    ctx: typer.Context, track_id: TrackId, server: Server = None, api_key: ApiKey = None, as_json: Json = False
) -> None:
    """Show all that is known of a track: metadata, labels, the prototypes that speak for them.

    Example: [bold]sonotype tracks show 3f2a…[/]
    """
    track = asked(ctx, server, api_key, lambda calls: calls.track(track_id))
    print_document(track, track_details(track), as_json)


@app.command()
def why(
    ctx: typer.Context,
    track_a: TrackId,
    track_b: TrackId,
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Say why two tracks are alike: shared labels, tags, and prototypes whose evidence both share.

    Example: [bold]sonotype tracks why 3f2a… 9bc1…[/]
    """
    said = asked(ctx, server, api_key, lambda calls: calls.why(track_a, track_b))
    print_document(said, why_details(said), as_json)


@app.command()
def path(
    ctx: typer.Context,
    start: TrackId,
    end: TrackId,
    count: Annotated[int, typer.Option(min=2, help="Tracks on the way, both ends included.")] = 10,
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Find a way from one track to another in small steps; the similarity is that to the track before.

    Example: [bold]sonotype tracks path 3f2a… 9bc1… --count 8[/]
    """
    found = asked(ctx, server, api_key, lambda calls: calls.path(start, end, {"count": count}))
    print_document(found, matches_table(found), as_json)


@app.command()
def delete(ctx: typer.Context, track_id: TrackId, server: Server = None, api_key: ApiKey = None) -> None:
    """Delete a track for good.

    Example: [bold]sonotype tracks delete 3f2a…[/]
    """
    asked(ctx, server, api_key, lambda calls: calls.delete(track_id))
    typer.echo(f"{track_id} is deleted")


def filter_of(collection: Several, artist: Several, tag: Several, label: Several) -> Document:
    """The given conditions under their names in the API."""
    given = {"collection": collection, "artist": artist, "tag": tag, "label": label}
    return {name: values for name, values in given.items() if values}


def asked(
    ctx: typer.Context,
    server: str | None,
    api_key: str | None,
    call: Callable[[TrackCalls], Awaitable[T]],
    *,
    listens: bool = False,
) -> T:
    """Ask the service, or the catalogue in this process; errors end the command."""
    with reported():
        return run(open_track_calls(wiring(ctx), server, api_key, listens=listens), call)


async def _gather(calls: TrackCalls, where: Document, limit: int) -> list[Document]:
    tracks: list[Document] = []
    cursor: str | None = None
    while len(tracks) < limit:
        page = await calls.page(where, cursor, min(_MOST_AT_ONCE, limit - len(tracks)))
        tracks += page["tracks"]
        cursor = page["cursor"]
        if cursor is None:
            break
    return tracks
