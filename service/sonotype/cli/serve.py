"""`sonotype serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sonotype.cli.errors import reported
from sonotype.cli.wiring import wiring
from sonotype.core.settings import Settings

_PANEL = "Where to listen"
_RUN = "What to run"


def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", rich_help_panel=_PANEL)] = None,
    port: Annotated[int | None, typer.Option(help="REST port; 0 picks a free one.", rich_help_panel=_PANEL)] = None,
    grpc_port: Annotated[int | None, typer.Option(help="gRPC port; 0 picks one.", rich_help_panel=_PANEL)] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder for durable data.", rich_help_panel=_RUN)] = None,
    models: Annotated[
        str | None, typer.Option(help="Models to serve, comma-separated; default: all pulled.", rich_help_panel=_RUN)
    ] = None,
    devices: Annotated[
        str | None, typer.Option(help="auto, cpu, cpu:N or cuda:0,cuda:1 (one worker each).", rich_help_panel=_RUN)
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="auto, fp32 or bf16. fp32 is exact, bf16 is faster.", rich_help_panel=_RUN)
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="auto, measure, torch, openvino or onnxruntime.", rich_help_panel=_RUN)
    ] = None,
    redis_url: Annotated[
        str | None, typer.Option(help="Cache in Redis, e.g. redis://localhost:6379/0.", rich_help_panel=_RUN)
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the web page in a browser.", rich_help_panel=_PANEL)
    ] = False,
) -> None:
    """Serve REST and gRPC until SIGTERM or Ctrl-C.

    Every setting can also come from the environment: SONOTYPE_PORT=9000 is the same as --port 9000, and a flag
    wins. docs/operations.md lists all of them.

    Example: [bold]sonotype serve --port 9000 --devices cpu:2[/bold]
    """
    flags: dict[str, Any] = {
        "host": host,
        "port": port,
        "grpc_port": grpc_port,
        "data_dir": data_dir,
        "models": models,
        "devices": devices,
        "precision": precision,
        "engine": engine,
        "redis_url": redis_url,
    }
    with reported():
        settings = Settings(**{name: value for name, value in flags.items() if value is not None})
        wiring(ctx).serve(settings, open_page)
