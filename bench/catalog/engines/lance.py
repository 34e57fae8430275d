"""LanceDB: IVF_HNSW_SQ over one table, bitmap indices on the metadata."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import Bitmap, IvfHnswSq
from numpy.typing import NDArray

from bench.catalog.engines.port import COLUMNS, Floats, Numbers, Where

LINKS, CONSTRUCTION, WIDTH, REFINE = 16, 100, 128, 3
_TIDY = 100  # single inserts; each leaves a fragment, and some hundreds of them make every query many times slower


class Lance:
    """The database and the index are one; rows added later are scanned until `optimize` takes them in."""

    def __init__(self, folder: Path, dims: int) -> None:
        self.graph_s = 0.0
        fields = [("number", pa.int64()), ("vector", pa.list_(pa.float32(), dims)), *((c, pa.int32()) for c in COLUMNS)]
        self._schema = pa.schema(fields)
        database = lancedb.connect(folder)
        self._table = database.create_table("track", schema=self._schema, exist_ok=True)

    def bulk(self, first: int, vectors: Floats, columns: Mapping[str, NDArray[np.int32]]) -> None:
        """Append many rows."""
        values = pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).ravel()), vectors.shape[1])
        numbers = pa.array(np.arange(first, first + len(vectors)))
        self._table.add(pa.table([numbers, values, *(pa.array(columns[c]) for c in COLUMNS)], schema=self._schema))

    def seal(self) -> None:
        """Build the indices."""
        begin = time.perf_counter()
        config = IvfHnswSq(distance_type="dot", m=LINKS, ef_construction=CONSTRUCTION)
        self._table.create_index("vector", config=config)
        for column in COLUMNS:
            self._table.create_index(column, config=Bitmap())
        self._tidy()
        self.graph_s += time.perf_counter() - begin

    def add(self, number: int, vector: Floats, columns: Mapping[str, int]) -> None:
        """Append one row."""
        self.bulk(number, vector[None], {name: np.array([columns[name]], np.int32) for name in COLUMNS})
        if number % _TIDY == _TIDY - 1:
            self._tidy()

    def search(self, query: Floats, k: int, where: Where | None = None) -> Numbers:
        """Row numbers, best first; exact distances for the last `REFINE * k`."""
        asked = self._table.search(query).distance_type("dot").nprobes(20).ef(WIDTH).refine_factor(REFINE)
        if where is not None:
            asked = asked.where(f"{where.column} = {where.value}", prefilter=True)
        return asked.select(["number", "_distance"]).limit(k).to_arrow()["number"].to_numpy()

    def numbers(self) -> Numbers:
        """All rows that the store holds."""
        found = self._table.search().select(["number"]).limit(self._table.count_rows()).to_arrow()
        return np.sort(found["number"].to_numpy())

    def close(self) -> None:
        """Nothing to do."""

    def _tidy(self) -> None:
        self._table.optimize(cleanup_older_than=timedelta(0))
