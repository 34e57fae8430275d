"""Milvus Lite behind pymilvus: the face of the distributed Milvus, in process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymilvus import DataType, MilvusClient

from bench.catalog.engines.port import COLUMNS, Floats, Numbers, Where

LINKS, CONSTRUCTION, WIDTH = 16, 100, 128
_NAME = "track"
_AT_ONCE = 2_000  # rows in a message
_PAGE = 16_000


class Milvus:
    """One collection, HNSW and inverted indices on the metadata."""

    def __init__(self, folder: Path, dims: int) -> None:
        self.graph_s = 0.0
        self._client = MilvusClient(str(folder / "milvus.db"))
        if not self._client.has_collection(_NAME):
            self._create(dims)
        self._client.load_collection(_NAME)

    def bulk(self, first: int, vectors: Floats, columns: Mapping[str, NDArray[np.int32]]) -> None:
        """Append many rows."""
        for begin in range(0, len(vectors), _AT_ONCE):
            part = range(begin, min(begin + _AT_ONCE, len(vectors)))
            rows = [
                {"number": first + k, "vector": vectors[k], **{name: int(columns[name][k]) for name in COLUMNS}}
                for k in part
            ]
            self._client.insert(_NAME, rows)

    def seal(self) -> None:
        """Write the segments out and index them."""
        begin = time.perf_counter()
        self._client.flush(_NAME)
        self._client.load_collection(_NAME)
        self.graph_s += time.perf_counter() - begin

    def add(self, number: int, vector: Floats, columns: Mapping[str, int]) -> None:
        """Append one row."""
        self._client.insert(_NAME, [{"number": number, "vector": vector, **columns}])

    def search(self, query: Floats, k: int, where: Where | None = None) -> Numbers:
        """Row numbers, best first."""
        found = self._client.search(
            _NAME,
            data=[query],
            limit=k,
            filter="" if where is None else f"{where.column} == {where.value}",
            search_params={"metric_type": "IP", "params": {"ef": WIDTH}},
        )
        return np.array([hit["number"] for hit in found[0]], np.int64)

    def numbers(self) -> Numbers:
        """All rows that the store holds."""
        found: list[int] = []
        while page := self._client.query(
            _NAME, filter=f"number >= {found[-1] + 1 if found else 0}", output_fields=["number"], limit=_PAGE
        ):
            found += sorted(row["number"] for row in page)
        return np.array(found, np.int64)

    def close(self) -> None:
        """End in good order."""
        self._client.close()

    def _create(self, dims: int) -> None:
        schema = MilvusClient.create_schema(auto_id=False)
        schema.add_field("number", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dims)
        indices = self._client.prepare_index_params()
        links = {"M": LINKS, "efConstruction": CONSTRUCTION}
        indices.add_index("vector", index_type="HNSW", metric_type="IP", params=links)
        for name in COLUMNS:
            schema.add_field(name, DataType.INT32)
            indices.add_index(name, index_type="INVERTED")
        self._client.create_collection(_NAME, schema=schema, index_params=indices)
