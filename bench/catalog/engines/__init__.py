"""The contenders, each imported only in the process that runs it."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

from bench.catalog.engines.port import Engine

# name: module, class, what must be installed
_ENGINES = {
    "faiss-sqlite": ("faiss_sqlite", "FaissSqlite", ("faiss",)),
    "faiss-fp16-sqlite": ("faiss_sqlite", "FaissHalfSqlite", ("faiss",)),
    "usearch-sqlite": ("usearch_sqlite", "UsearchSqlite", ("usearch",)),
    "lancedb": ("lance", "Lance", ("lancedb",)),
    "milvus-lite": ("milvus", "Milvus", ("pymilvus", "milvus_lite")),
    "bare-faiss": ("bare", "BareFaiss", ("faiss", "usearch")),
    "bare-usearch": ("bare", "BareUsearch", ("faiss", "usearch")),
    "exact": ("bare", "Exact", ("faiss", "usearch")),
}
NAMES = tuple(_ENGINES)
# need no building; the bare graphs borrow those of their neighbours
BARE = {"bare-faiss": "faiss-sqlite", "bare-usearch": "usearch-sqlite", "exact": None}


def installed(name: str) -> bool:
    """Whether an engine can take part here."""
    return all(importlib.util.find_spec(module) is not None for module in _ENGINES[name][2])


def engine(name: str) -> Callable[..., Engine]:
    """The class of an engine."""
    module, attribute, _ = _ENGINES[name]
    return getattr(importlib.import_module(f"bench.catalog.engines.{module}"), attribute)  # type: ignore[no-any-return]
