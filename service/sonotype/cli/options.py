"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Server = Annotated[str | None, typer.Option(help="Ask a running service, e.g. http://localhost:8000.")]
ApiKey = Annotated[str | None, typer.Option(envvar="SONOTYPE_API_KEY", help="API key for --server.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
