"""Commands run in a thread, on a fake plane in this process or against a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from click.testing import Result
from fakeplane import FakePlane
from typer.testing import CliRunner

from sonotype.cli.app import app as command_line
from sonotype.cli.wiring import Wiring
from sonotype.core.settings import Settings

Run = Callable[..., Awaitable[Result]]


class CommandLine:
    """Runs commands; in a thread, for each has an event loop of its own.

    Args:
        plane: what commands find when they open one.
        options: what stands behind every command.

    Attributes:
        opened: how a plane was opened, time after time: with the catalogue, with workers.
    """

    def __init__(self, plane: FakePlane, *options: str) -> None:
        self._plane = plane
        self._options = options
        self.opened: list[tuple[bool, bool]] = []

    async def __call__(self, *arguments: str) -> Result:
        wiring = Wiring(serve=_serve, open_plane=self._open_plane)
        return await asyncio.to_thread(CliRunner().invoke, command_line, [*arguments, *self._options], obj=wiring)

    @asynccontextmanager
    async def _open_plane(
        self, settings: Settings, *, with_catalog: bool = False, with_workers: bool = True
    ) -> AsyncIterator[FakePlane]:
        self.opened.append((with_catalog, with_workers))
        yield self._plane


def _serve(settings: Settings, open_page: bool) -> None:
    raise AssertionError("nothing is served here")
