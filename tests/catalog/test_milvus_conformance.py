"""The conformance tests of the catalogue's port on a real milvus-lite, over its gRPC port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

pytest.register_assert_rewrite("conformance")

from conformance import CatalogConformance  # noqa: E402 - asserts are rewritten at import
from milvus_kit import fresh, milvus  # noqa: E402, F401 - fixtures

from sonotype.catalog.milvus.catalog import MilvusCatalog  # noqa: E402
from sonotype.catalog.port import Catalog  # noqa: E402


class TestMilvus(CatalogConformance):
    """Every test in collections of its own."""

    @pytest.fixture
    def engine(self, fresh: Callable[[], str]) -> Callable[[], Awaitable[Catalog]]:  # noqa: F811 - the fixture
        """Opens the engine, the same catalogue again when called again."""
        url = fresh()
        return lambda: MilvusCatalog.open(url)
