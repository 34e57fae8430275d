"""Documents: what REST answers with, wherever it comes from, and how the command line prints it."""

from __future__ import annotations

import json
from typing import Any

import typer
from rich.console import Console, RenderableType

Document = dict[str, Any]


def print_document(document: Document | list[Document], view: RenderableType, as_json: bool) -> None:
    """Print JSON for programs, or a view for people."""
    if as_json:
        print_json(document)
    else:
        Console().print(view)


def print_json(value: Any, *, err: bool = False) -> None:
    """Print JSON to stdout; `err`: to stderr, where stdout carries something else."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False), err=err)
