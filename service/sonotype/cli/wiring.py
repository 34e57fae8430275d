"""What the command line is given by the composition root, so that it builds nothing by itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import typer

from sonotype.core.settings import Settings
from sonotype.plane.port import Plane


class OpenPlane(Protocol):
    """Opens the service inside this process; with its catalogue where asked, which one process at a time may hold.

    Without workers it analyses nothing, and is open at once.
    """

    def __call__(
        self, settings: Settings, *, with_catalog: bool = False, with_workers: bool = True
    ) -> AbstractAsyncContextManager[Plane]:
        """Entering raises `SonotypeError`: `conflict` where another process holds the catalogue."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """The two ways to run the service: behind its ports, or inside this process."""

    serve: Callable[[Settings, bool], None]
    open_plane: OpenPlane


def wiring(ctx: typer.Context) -> Wiring:
    """The wiring that `sonotype.main` put into the context."""
    found = ctx.find_object(Wiring)
    assert found is not None, "the command line runs through sonotype.main.run. This is a bug."  # noqa: S101
    return found
