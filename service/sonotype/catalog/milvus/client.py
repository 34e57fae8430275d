"""Milvus through pymilvus, from asyncio: the blocking client in threads of our own, a few calls at a time."""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from sonotype.catalog.milvus.address import Address
from sonotype.catalog.milvus.failures import meaning_of, unavailable
from sonotype.catalog.milvus.filters import one_of
from sonotype.core.errors import Code, SonotypeError

Row = dict[str, Any]
TIMEOUT_S = 10.0
SLOW_S = 120.0
"""For building, loading and dropping collections."""
_THREADS = 16
_IDS_AT_ONCE = 1000
_FAIL_FAST_S = 1.0
_FLUSH_ROWS = 2000


def load_library() -> Any:
    """Import pymilvus (2 s): only where a Milvus is configured. Raises `unavailable` where it is not installed."""
    try:
        library = importlib.import_module("pymilvus")
    except ImportError:
        detail = "A catalogue on Milvus needs the extra `milvus`: pip install sonotype[milvus]."
        raise SonotypeError(Code.UNAVAILABLE, detail) from None
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs every failure with a traceback; we log it once
    return library


class Client:
    """The calls that the catalogue needs. Every one raises `unavailable` or `insufficient_storage`.

    Args:
        address: of the engine.
        library: pymilvus.
        client: a connected `MilvusClient`.
        pool: the threads that it runs in.
        timeout_s: how long a call may take.
    """

    def __init__(
        self, address: Address, library: Any, client: Any, pool: ThreadPoolExecutor, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.address = address
        self.library = library
        self._client = client
        self._pool = pool
        self._timeout_s = timeout_s
        self._failed_at = -_FAIL_FAST_S
        self._unflushed: dict[str, int] = {}

    @classmethod
    async def open(cls, address: Address, token: str | None, timeout_s: float = TIMEOUT_S) -> Client:
        """Connect. Raises `unavailable`; `conflict` where another process holds the file of a milvus-lite."""
        pool = ThreadPoolExecutor(_THREADS, "sonotype-milvus")

        def connect() -> Client:
            library = load_library()
            if address.embedded:
                Path(address.uri).parent.mkdir(parents=True, exist_ok=True)
            try:
                client = library.MilvusClient(uri=address.uri, token=token or "", timeout=timeout_s)
            except Exception as error:
                raise meaning_of(error, address.embedded) from error
            return cls(address, library, client, pool, timeout_s)

        try:
            return await asyncio.wrap_future(pool.submit(connect))
        except BaseException:
            pool.shutdown(wait=False)
            raise

    async def call(self, work: Callable[[Any], Any], timeout_s: float | None = None) -> Any:
        """Run `work(client)` in a thread; it must hand a timeout to the library as well.

        After a failure others fail at once for a second, so that an engine that is away does not hold every thread.
        """
        if time.monotonic() - self._failed_at < _FAIL_FAST_S:
            raise unavailable()
        limit = (timeout_s or self._timeout_s) + 1.0
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._pool.submit(work, self._client)), limit)
        except TimeoutError:
            self._failed_at = time.monotonic()
            raise unavailable() from None
        except self._failures() as error:
            meaning = meaning_of(error, self.address.embedded)
            if self._is_away(error):
                self._failed_at = time.monotonic()
            raise meaning from error

    async def upsert(self, collection: str, rows: Sequence[Row]) -> None:
        """Store rows whole, new or in the place of those with the same primary key; durable on return."""
        if rows:
            options = {"timeout": self._timeout_s}
            await self.call(lambda client: client.upsert(collection, list(rows), **options))
            await self._settle(collection, len(rows))

    async def delete(self, collection: str, ids: Iterable[str]) -> None:
        """Delete rows by primary key; unknown ones are fine."""
        for part in _parts(list(ids)):
            await self.call(partial(self._delete, collection, one_of("id", part)))

    async def fetch(self, collection: str, ids: Iterable[str], fields: Sequence[str]) -> dict[str, Row]:
        """Rows by primary key; unknown ones are left out."""
        found: dict[str, Row] = {}
        for part in _parts(list(dict.fromkeys(ids))):
            rows = await self.query(collection, one_of("id", part), fields, len(part))
            found |= {str(row["id"]): row for row in rows}
        return found

    async def query(self, collection: str, expression: str, fields: Sequence[str], limit: int) -> list[Row]:
        """Rows that an expression of `filters.py` describes, in no order."""
        options = {"consistency_level": self.address.consistency, "timeout": self._timeout_s}
        rows = await self.call(
            lambda client: client.query(
                collection, filter=expression, output_fields=["id", *fields], limit=limit, **options
            )
        )
        return [dict(row) for row in rows]

    async def count(self, collection: str, expression: str = "") -> int:
        """How many rows an expression describes."""
        options = {"consistency_level": self.address.consistency, "timeout": self._timeout_s}
        rows = await self.call(
            lambda client: client.query(collection, filter=expression, output_fields=["count(*)"], **options)
        )
        return int(rows[0]["count(*)"])

    async def search(
        self, collection: str, vectors: Sequence[Sequence[float]], expression: str, fields: Sequence[str], limit: int
    ) -> list[list[Row]]:
        """For each vector the nearest rows with their fields."""
        parameters = {"metric_type": "COSINE", "params": {"ef": max(128, 2 * limit)}}
        options = {"consistency_level": self.address.consistency, "timeout": self._timeout_s}
        found = await self.call(
            lambda client: client.search(
                collection, data=vectors, filter=expression, limit=limit, output_fields=list(fields),
                search_params=parameters, anns_field="vector", **options,
            )
        )  # fmt: skip
        return [[{"id": hit["id"], **hit["entity"]} for hit in hits] for hits in found]

    async def aclose(self) -> None:
        """Let go of the connection, and of the file of a milvus-lite."""
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    def _close(self) -> None:
        self._client.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self.address.embedded:
            manager = importlib.import_module("milvus_lite.server_manager").server_manager_instance
            manager.release_server(self.address.uri)

    async def _settle(self, collection: str, rows: int) -> None:
        """milvus-lite compares row by row until its buffer is flushed to segments: do that now and then."""
        self._unflushed[collection] = self._unflushed.get(collection, 0) + rows
        if self.address.embedded and self._unflushed[collection] >= _FLUSH_ROWS:
            self._unflushed[collection] = 0
            await self.call(lambda client: client.flush(collection, timeout=SLOW_S), SLOW_S)

    def _delete(self, collection: str, expression: str, client: Any) -> None:
        client.delete(collection, filter=expression, timeout=self._timeout_s)

    def _failures(self) -> tuple[type[Exception], ...]:
        return (self.library.MilvusException, importlib.import_module("grpc").RpcError, OSError, ValueError)

    @staticmethod
    def _is_away(error: Exception) -> bool:
        text = str(error)
        return any(word in text for word in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "Retry timeout", "connect"))


def _parts(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + _IDS_AT_ONCE] for start in range(0, len(ids), _IDS_AT_ONCE))
