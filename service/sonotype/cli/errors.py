"""How the command line reports errors: one line on stderr, an exit code from the table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from sonotype.core.errors import TABLE, Code, SonotypeError

stderr = Console(stderr=True)


def show_error(error: SonotypeError, subject: str = "") -> None:
    """Print `error: <subject>: <detail> [<code>]`."""
    where = f"{escape(subject)}: " if subject else ""
    stderr.print(f"[bold red]error:[/] {where}{escape(error.detail)} [dim]\\[{error.code}][/]", soft_wrap=True)


@contextmanager
def reported() -> Iterator[None]:
    """Turn domain errors and refused settings into a line and an exit code."""
    try:
        yield
    except SonotypeError as error:
        show_error(error)
        raise typer.Exit(error.meaning.exit) from None
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"])
            show_error(SonotypeError(Code.INVALID_REQUEST, problem["msg"]), name)
        raise typer.Exit(TABLE[Code.INVALID_REQUEST].exit) from None
