"""`sonotype doctor`: what is installed, and whether it will work."""

from __future__ import annotations

import typer
from rich.markup import escape
from rich.table import Table

from sonotype.cli.document import print_document
from sonotype.cli.errors import reported
from sonotype.cli.options import Json
from sonotype.core.settings import Settings
from sonotype.plane.checkup import Check, check_up

_MARKS = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "broken": "[red]broken[/]"}


def doctor(as_json: Json = False) -> None:
    """Check packages, devices, weights, cache and folders; exit code 1 if something is broken."""
    with reported():
        checks = check_up(Settings())
    document = [{"name": c.name, "state": c.state, "detail": c.detail} for c in checks]
    print_document(document, _table(checks), as_json)
    if any(check.state == "broken" for check in checks):
        raise typer.Exit(1)


def _table(checks: list[Check]) -> Table:
    table = Table(box=None, show_header=False)
    for check in checks:
        table.add_row(_MARKS[check.state], check.name, escape(check.detail))
    return table
