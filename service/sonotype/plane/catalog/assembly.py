"""Put the use cases of the catalogue together on an open engine."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sonotype.catalog.engines import FOLDER
from sonotype.catalog.port import Catalog
from sonotype.catalog.taggers.store import FOLDER as TAGGERS
from sonotype.core.settings import Settings
from sonotype.plane.catalog.following import CatalogFollower
from sonotype.plane.catalog.generations import Generations
from sonotype.plane.catalog.jobs import open_desk
from sonotype.plane.catalog.seeds import Seeds
from sonotype.plane.catalog.service import CatalogService
from sonotype.plane.catalog.space import choose_labellers, choose_space, spaces
from sonotype.plane.catalog.tagger_door import open_taggers
from sonotype.plane.catalog.tagger_models import TaggerModels
from sonotype.plane.catalog.tracks import Analyze, Tracks
from sonotype.plane.catalog.upkeep import Upkeep
from sonotype.plane.catalog.watching import Watch
from sonotype.plane.lineups import Lineups

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenCatalog:
    """A catalogue that is open.

    Attributes:
        service: its use cases.
        watch: what probes are told of it.
        taggers: as models; None where their files cannot be opened.
    """

    service: CatalogService
    watch: Watch
    taggers: TaggerModels | None = None


@asynccontextmanager
async def assemble(
    catalog: Catalog, settings: Settings, lineups: Lineups, analyze: Analyze
) -> AsyncIterator[OpenCatalog]:
    """The use cases on an engine, which stays the caller's to close.

    Raises:
        SonotypeError: `model_not_found` where no served model has an embedding; what the engine raises.
    """
    lineup = lineups.current
    space = choose_space(lineup.deployment, settings.catalog_embedding)
    generations = Generations(catalog, space, tuple(spaces(lineup.deployment)))
    labellers = choose_labellers(lineup.deployment, settings.catalog_models)
    tracks = Tracks(catalog, generations, labellers, lineup.deployment.heads.values(), analyze)
    seeds = Seeds(catalog, generations, tracks, lineup.prototypes, lineups.lease)
    upkeep = Upkeep(catalog, generations, tracks)
    watch = Watch(catalog, generations)
    lineups.follower = CatalogFollower(settings, generations, tracks, seeds)
    try:
        await generations.open()
        await watch.start()
        async with (
            open_desk(settings.data_dir / FOLDER, upkeep, settings) as desk,
            open_taggers(settings.data_dir / TAGGERS, catalog, generations, tracks, lineups.lease) as taggers,
        ):
            _log.info("the catalogue is open: tracks are embedded by %s", space.generation)
            service = CatalogService(catalog, generations, seeds, upkeep, desk, taggers=taggers)
            yield OpenCatalog(service, watch, None if taggers is None else taggers.models)
    finally:
        lineups.follower = None
        await watch.aclose()
