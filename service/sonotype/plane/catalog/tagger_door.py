"""Open the taggers beside the catalogue: it works without them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sonotype.catalog.port import Catalog
from sonotype.catalog.taggers.store import TaggerStore
from sonotype.core.errors import SonotypeError
from sonotype.plane.catalog.generations import Generations
from sonotype.plane.catalog.seeds import Lease
from sonotype.plane.catalog.taggers import Taggers
from sonotype.plane.catalog.tracks import Tracks

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_taggers(
    folder: Path, catalog: Catalog, generations: Generations, tracks: Tracks, lease: Lease
) -> AsyncIterator[Taggers | None]:
    """The taggers of a folder, for as long as the context lasts; None where it cannot be had."""
    try:
        store = await asyncio.to_thread(TaggerStore, folder)
    except (SonotypeError, OSError) as error:
        _log.error("the taggers cannot be opened: %s", error)
        yield None
        return
    try:
        yield Taggers(catalog, generations, tracks, store, lease)
    finally:
        await asyncio.to_thread(store.close)
