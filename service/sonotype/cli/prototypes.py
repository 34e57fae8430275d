"""`sonotype prototypes`: list them, look at one, hear it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from sonotype.api.options import parse_options
from sonotype.api.sonify import AudioParams
from sonotype.cli.asking import run
from sonotype.cli.document import Document, print_document, print_json
from sonotype.cli.errors import reported, stderr
from sonotype.cli.options import ApiKey, Json, Server
from sonotype.cli.prototype_calls import Calls
from sonotype.cli.prototype_calls_local import open_local
from sonotype.cli.prototype_calls_remote import open_remote_calls
from sonotype.cli.prototype_views import prototype_details, prototypes_table, sound_facts
from sonotype.cli.sound_file import STDOUT, format_of, write_sound
from sonotype.cli.wiring import wiring

app = typer.Typer(
    help="List the prototypes of the models, look at one, hear it.\n\nBegin with: [bold]sonotype prototypes list[/]",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
Output = Annotated[Path, typer.Option("--output", "-o", help="Where to write; - is stdout.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="A prototype, e.g. instruments-pecmae.cello.0.")]
T = TypeVar("T")


@app.command("list")
def list_prototypes(
    ctx: typer.Context,
    model: Annotated[str | None, typer.Option(help="Only of this model.")] = None,
    label: Annotated[str | None, typer.Option(help="Only of this class.")] = None,
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """List prototypes: class, what can be heard, how it fared at the faithfulness gate.

    Example: [bold]sonotype prototypes list --label cello[/]
    """
    with reported():
        document = run(open_calls(ctx, server, api_key), lambda calls: calls.prototypes(model, label))
        print_document(document, prototypes_table(document), as_json)


@app.command()
def show(
    ctx: typer.Context, prototype_id: Id, server: Server = None, api_key: ApiKey = None, as_json: Json = False
) -> None:
    """Show one prototype: its sounds, their scores, and the training segments it stands for.

    Example: [bold]sonotype prototypes show instruments-pecmae.cello.0[/]
    """
    with reported():
        document = run(open_calls(ctx, server, api_key), lambda calls: calls.prototype(prototype_id))
        print_document(document, prototype_details(document), as_json)


@app.command()
def audio(
    ctx: typer.Context,
    prototype_id: Id,
    output: Output,
    kind: Annotated[str | None, typer.Option(help="prototype, medoid or segment; default: what is offered.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the decoder; default: what is offered.")] = None,
    format: Annotated[str | None, typer.Option(help="wav, flac, ogg or mp3; default: the suffix.")] = None,
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Write the sound of a prototype: decoded, or the real segment where the decoded one fell short.

    Examples:
      sonotype prototypes audio instruments-pecmae.cello.0 -o cello.wav
      sonotype prototypes audio instruments-pecmae.cello.0 --kind segment -o - | ffplay -
    """
    asked = {"kind": kind, "seed": seed}
    with reported():
        params = parse_options(AudioParams, asked | {"format": format_of(output, format)})

        async def fetch(calls: Calls) -> Document:
            async with calls.audio(prototype_id, params) as sound:
                return sound.facts | {"n_bytes": await write_sound(sound, output)}

        facts = run(open_calls(ctx, server, api_key), fetch)
        print_facts(facts, output, as_json)


def open_calls(ctx: typer.Context, server: str | None, api_key: str | None) -> AbstractAsyncContextManager[Calls]:
    """The service that a command asks: a running one, or one in this process."""
    return open_remote_calls(server, api_key) if server else open_local(wiring(ctx))


def print_facts(facts: Document, output: Path, as_json: bool) -> None:
    """Say what was written; on stderr where stdout carries the sound."""
    if output != STDOUT:
        print_document({"file": str(output)} | facts, sound_facts({"file": str(output)} | facts), as_json)
    elif as_json:
        print_json(facts, err=True)
    else:
        stderr.print(sound_facts(facts))
