from __future__ import annotations

from pathlib import Path

import pytest

pytest.register_assert_rewrite("conformance")
from conformance import CatalogConformance, Engine  # noqa: E402

from sonotype.catalog.embedded.catalog import EmbeddedCatalog  # noqa: E402


class TestEmbedded(CatalogConformance):
    @pytest.fixture
    def engine(self, tmp_path: Path) -> Engine:
        return lambda: EmbeddedCatalog.open(tmp_path / "catalog", full_at=1.0)
