"""Which engine a deployment has, and how it is opened."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sonotype.catalog.port import Catalog
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings

FOLDER = "catalog"


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[Catalog]:
    """The engine that the settings name, open for as long as the context lasts.

    Raises:
        SonotypeError: `conflict` where another process holds the embedded one; `unavailable` where a distributed one
            does not answer or its client library is not installed.
    """
    catalog = await (_open_milvus(settings) if settings.catalog_url.get_secret_value() else _open_embedded(settings))
    try:
        yield catalog
    finally:
        await catalog.aclose()


async def _open_embedded(settings: Settings) -> Catalog:
    # faiss takes a fifth of a second to import, and only who opens a catalogue should wait for it
    module = await asyncio.to_thread(importlib.import_module, "sonotype.catalog.embedded.catalog")
    catalog: Catalog = await module.EmbeddedCatalog.open(settings.data_dir / FOLDER, full_at=settings.catalog_full_at)
    return catalog


async def _open_milvus(settings: Settings) -> Catalog:
    try:
        module = await asyncio.to_thread(importlib.import_module, "sonotype.catalog.milvus.catalog")
    except ModuleNotFoundError as error:
        raise SonotypeError(Code.UNAVAILABLE, "Milvus needs its client: `pip install 'sonotype[milvus]'`.") from error
    catalog: Catalog = await module.MilvusCatalog.open(settings.catalog_url.get_secret_value())
    return catalog
