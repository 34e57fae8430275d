"""`sonotype models load|rollback|unload`: change what a running service serves."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from sonotype.cli.asking import run
from sonotype.cli.document import Document, print_json
from sonotype.cli.errors import reported
from sonotype.cli.options import Json
from sonotype.cli.rest import Rest, open_rest

_HERE = "http://localhost:8000"
Name = Annotated[str, typer.Argument(help="A model, without a version.", show_default=False)]
Server = Annotated[str, typer.Option(envvar="SONOTYPE_SERVER", help="The running service.")]
ApiKey = Annotated[str | None, typer.Option(envvar="SONOTYPE_API_KEY", help="API key of the service.")]


def load(
    name: Name,
    version: Annotated[str | None, typer.Option(help="Load this version and stay with it; default: newest.")] = None,
    server: Server = _HERE,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Let a running service serve a version of a model, without a restart and without a failed request.

    Example: [bold]sonotype models load my-genres[/]
    """
    body = {} if version is None else {"version": version}
    _change(name, "load", body, server, api_key, as_json)


def rollback(name: Name, server: Server = _HERE, api_key: ApiKey = None, as_json: Json = False) -> None:
    """Let a running service go back to the version of a model that it served before.

    Example: [bold]sonotype models rollback my-genres[/]
    """
    _change(name, "rollback", None, server, api_key, as_json)


def unload(name: Name, server: Server = _HERE, api_key: ApiKey = None, as_json: Json = False) -> None:
    """Let a running service serve a model no longer.

    Example: [bold]sonotype models unload my-genres[/]
    """
    _change(name, "unload", None, server, api_key, as_json)


def _change(name: str, action: str, body: Document | None, server: str, api_key: str | None, as_json: bool) -> None:
    async def asked(rest: Rest) -> Document:
        path = f"/v1/models/{quote(name, safe='')}/{action}"
        return await rest.document("POST", path, **({} if body is None else {"json": body}))

    with reported():
        change = run(open_rest(server, api_key), asked)
    if as_json:
        print_json(change)
    else:
        typer.echo(_sentence(change))


def _sentence(change: Document) -> str:
    name, version, previous = change["name"], change["version"], change["previous"]
    if not change["served"]:
        return f"{name} is not served any more" if previous else f"{name} was not served"
    if previous == version:
        return f"{name}@{version} is served already"
    return f"{name}@{version} is served now" + (f", instead of version {previous}" if previous else "")
