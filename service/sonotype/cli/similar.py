"""`sonotype similar` and `sonotype playlist`: what sounds like these tracks, tags, prototypes or this file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sonotype.cli.document import Document, print_document
from sonotype.cli.errors import reported
from sonotype.cli.options import ApiKey, Json, Server
from sonotype.cli.seed import read_seeds
from sonotype.cli.track_views import matches_table
from sonotype.cli.tracks import Artists, Collections, Labels, Tags, asked, filter_of
from sonotype.core.errors import Code, SonotypeError

Seeds = Annotated[
    list[str],
    typer.Argument(
        metavar="SEED…",
        help="Ids of tracks, one audio file, tag:NAME or prototype:ID; *WEIGHT behind it weighs it, and less than 0 "
        "means less like that.",
    ),
]
PerArtist = Annotated[int | None, typer.Option(min=1, help="At most so many of one artist.")]
PerAlbum = Annotated[int | None, typer.Option(min=1, help="At most so many of one album.")]
HideDuplicates = Annotated[bool, typer.Option("--hide-duplicates", help="Show a recording once.")]


class Order(StrEnum):
    """Orders of a playlist."""

    SIMILARITY = "similarity"
    SMOOTH = "smooth"
    RANDOM = "random"


def similar(
    ctx: typer.Context,
    seeds: Seeds,
    k: Annotated[int, typer.Option("-k", min=1, help="How many.")] = 10,
    collection: Collections = None,
    artist: Artists = None,
    tag: Tags = None,
    label: Labels = None,
    max_per_artist: PerArtist = None,
    max_per_album: PerAlbum = None,
    hide_duplicates: HideDuplicates = False,
    diversity: Annotated[float, typer.Option(min=0, max=1, help="0: most similar, 1: most different.")] = 0.0,
    why: Annotated[bool, typer.Option("--why", help="Say of every match why it is alike.")] = False,
    exact: Annotated[bool, typer.Option("--exact", help="Compare with every track, without the index.")] = False,
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Find tracks that sound like these.

    Examples:
      sonotype similar 3f2a… --why
      sonotype similar song.mp3 -k 20 --max-per-artist 2
      sonotype similar 3f2a… "tag:live*-0.5" prototype:instruments-pecmae.cello.0
    """
    with reported():
        told, upload = read_seeds(seeds)
    asking = _asking(told, filter_of(collection, artist, tag, label), max_per_artist, max_per_album, hide_duplicates)
    asking |= {"k": k, "diversity": diversity, "why": why, "exact": exact}
    found = asked(ctx, server, api_key, lambda calls: calls.similar(asking, upload), listens=upload is not None)
    print_document(found, matches_table(found), as_json)


def playlist(
    ctx: typer.Context,
    seeds: Seeds,
    count: Annotated[int, typer.Option(min=1, help="How many tracks.")] = 25,
    collection: Collections = None,
    artist: Artists = None,
    tag: Tags = None,
    label: Labels = None,
    max_per_artist: PerArtist = None,
    max_per_album: PerAlbum = None,
    hide_duplicates: HideDuplicates = False,
    diversity: Annotated[float, typer.Option(min=0, max=1, help="0: most similar, 1: most different.")] = 0.2,
    order: Annotated[Order, typer.Option(help="Best first, each near the one before, or shuffled.")] = Order.SMOOTH,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write an M3U8 file for players.")] = None,
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Make an ordered list of tracks that begins near the seeds and flows.

    Examples:
      sonotype playlist 3f2a… --count 30 --max-per-artist 2 -o evening.m3u8
      sonotype playlist tag:jazz "tag:vocal*-0.5" --order random
    """
    with reported():
        told, upload = read_seeds(seeds)
        if upload is not None:
            raise SonotypeError(Code.INVALID_REQUEST, "A playlist begins with tracks; ingest the file first.")
    asking = _asking(told, filter_of(collection, artist, tag, label), max_per_artist, max_per_album, hide_duplicates)
    asking |= {"count": count, "diversity": diversity, "order": order.value}
    found = asked(ctx, server, api_key, lambda calls: calls.playlist(asking, output is not None))
    if output is not None:
        output.write_text(str(found), encoding="utf-8")
        typer.echo(f"{output}: {str(found).count('#EXTINF')} tracks")
    elif isinstance(found, dict):
        print_document(found, matches_table(found), as_json)


def _asking(
    seeds: list[Document],
    where: Document,
    max_per_artist: int | None,
    max_per_album: int | None,
    hide_duplicates: bool,
) -> Document:
    limits = {"max_per_artist": max_per_artist, "max_per_album": max_per_album, "hide_duplicates": hide_duplicates}
    kept = {name: value for name, value in limits.items() if value}
    return {"seeds": seeds, "filter": where, "constraints": kept}
