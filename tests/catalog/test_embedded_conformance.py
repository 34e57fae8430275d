from __future__ import annotations

from pathlib import Path

import pytest
from conformance import CatalogConformance, Engine

from sonotype.catalog.embedded.catalog import EmbeddedCatalog


class TestEmbedded(CatalogConformance):
    @pytest.fixture
    def engine(self, tmp_path: Path) -> Engine:
        return lambda: EmbeddedCatalog.open(tmp_path / "catalog", full_at=1.0)
