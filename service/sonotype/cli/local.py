"""The service, opened in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sonotype.cli.errors import stderr
from sonotype.cli.wiring import Wiring
from sonotype.core.settings import Settings
from sonotype.models.registry import Registry
from sonotype.models.repository import repositories
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


def serving_only(settings: Settings, models: Sequence[str]) -> Settings:
    """Settings for one command: without a wish of the user's own only the models that are asked for are loaded.

    Args:
        settings: where `models` is empty, every model whose weights are here would be loaded.
        models: names or addresses; none stands for the default model.
    """
    if settings.models or (not models and not _is_here(settings, settings.default_model)):
        return settings
    return settings.model_copy(update={"models": list(models) or [settings.default_model]})


def _is_here(settings: Settings, name: str) -> bool:
    registry = Registry(repositories(settings), settings.weights_dir)
    card = registry.cards().get(name)
    return card is not None and registry.is_pulled(card)
