"""The service, opened in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sonotype.cli.errors import stderr
from sonotype.cli.wiring import Wiring
from sonotype.core.settings import Settings
from sonotype.plane.port import Plane


@asynccontextmanager
async def open_plane(
    wired: Wiring, settings: Settings, *, with_catalog: bool = False, with_workers: bool = True
) -> AsyncIterator[Plane]:
    """A plane for as long as the context is open; says what is waited for. Raises as `OpenPlane`."""
    words = "starting the workers …" if with_workers else "opening the catalogue …"
    opened = wired.open_plane(settings, with_catalog=with_catalog, with_workers=with_workers)
    with stderr.status(words):
        plane = await opened.__aenter__()
    try:
        yield plane
    finally:
        await opened.__aexit__(None, None, None)
