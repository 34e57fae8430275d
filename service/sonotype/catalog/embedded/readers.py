"""Threads that read, each with a connection of its own: no read waits behind a write."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sonotype.catalog.embedded.failures import translated
from sonotype.catalog.embedded.schema import connect_reader
from sonotype.core.errors import Code, SonotypeError

T = TypeVar("T")
THREADS = 4


class Readers:
    """The threads and their connections.

    Args:
        path: the database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="sonotype-catalog-read")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._closed = False

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with a connection. Errors of SQLite become errors for users."""
        if self._closed:
            raise SonotypeError(Code.UNAVAILABLE, "The catalogue is closed.")
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._run, work)

    def close(self) -> None:
        """Finish what is under way and close the connections. Blocking."""
        self._closed = True
        self._executor.shutdown(wait=True, cancel_futures=True)
        while self._opened:
            self._opened.pop().close()

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with translated():
            return work(self._connection())

    def _connection(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = connect_reader(self._path)
            self._opened.append(db)
        return db
