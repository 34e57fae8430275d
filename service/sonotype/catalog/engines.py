"""Which engine a deployment has, and how it is opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sonotype.catalog.embedded.catalog import EmbeddedCatalog
from sonotype.catalog.milvus.catalog import MilvusCatalog
from sonotype.catalog.port import Catalog
from sonotype.core.settings import Settings

FOLDER = "catalog"


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[Catalog]:
    """The engine that the settings name, open for as long as the context lasts.

    Both import what is heavy (faiss, pymilvus) when they are opened.

    Raises:
        SonotypeError: `conflict` where another process holds the embedded one; `unavailable` where its files are
            damaged, where a distributed one does not answer, or where its client library is not installed.
    """
    catalog = await _open(settings)
    try:
        yield catalog
    finally:
        await catalog.aclose()


async def _open(settings: Settings) -> Catalog:
    url = settings.catalog_url.get_secret_value()
    if url:
        return await MilvusCatalog.open(url)
    return await EmbeddedCatalog.open(settings.data_dir / FOLDER, full_at=settings.catalog_full_at)
