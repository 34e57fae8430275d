"""`sonotype doctor`: what is installed, and whether it will work."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sonotype.cli.errors import reported
from sonotype.core.settings import Settings
from sonotype.plane.checkup import Check, check_up

_MARKS = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "broken": "[red]broken[/]"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Check packages, devices, weights, cache and folders; exit code 1 if something is broken."""
    with reported():
        checks = check_up(Settings())
    if as_json:
        typer.echo(json.dumps([{"name": c.name, "state": c.state, "detail": c.detail} for c in checks], indent=2))
    else:
        Console().print(_table(checks))
    if any(check.state == "broken" for check in checks):
        raise typer.Exit(1)


def _table(checks: list[Check]) -> Table:
    table = Table(box=None, show_header=False)
    for check in checks:
        table.add_row(_MARKS[check.state], check.name, escape(check.detail))
    return table
