"""One thread writes. Puts that wait together share one transaction, and so one wait for the disk.

Each has a savepoint of its own: what fails is undone alone. Nobody hears of success before the commit, and memory
follows the commit before anybody does.
"""

from __future__ import annotations

import asyncio
import queue
import shutil
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import structlog

from sonotype.catalog.embedded.failures import meaning_of
from sonotype.core.errors import Code, SonotypeError

T = TypeVar("T")
Step = Callable[[], None]
GROUP = 64
"""Largest number of operations in one transaction: bounds how long the last of them waits for the first."""
_IDLE_S = 1.0
_WAL_BYTES = 32 << 20
_WAL_SHARE = 8  # of the free disk, at most one in so many: the log must never be what fills it
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Transaction:
    """What an operation may use: the connection, and steps for what comes after.

    Attributes:
        db: inside a transaction.
        then: run in order when all is durable.
        undo: run when it came to nothing.
    """

    db: sqlite3.Connection
    then: list[Step] = field(default_factory=list)
    undo: list[Step] = field(default_factory=list)


class _Operation:
    """A queued operation with the future of its caller."""

    def __init__(self, work: Callable[[Transaction], Any]) -> None:
        self.future: Future[Any] = Future()
        self._work = work
        self._steps: Transaction | None = None
        self._result: Any = None
        self._error: BaseException | None = None

    def attempt(self, db: sqlite3.Connection) -> None:
        """Do it under a savepoint. Raises only where SQLite gave the whole transaction up."""
        self._steps = steps = Transaction(db)
        db.execute("SAVEPOINT operation")
        try:
            self._result = self._work(steps)
        except Exception as error:
            if not db.in_transaction:
                raise
            db.execute("ROLLBACK TO operation")
            self.fail(error)
        db.execute("RELEASE operation")

    def fail(self, error: BaseException) -> None:
        """It came to nothing, alone or with its transaction."""
        self._error = self._error or error
        if self._steps is not None:
            for step in self._steps.undo:
                step()
            self._steps = None

    def follow(self) -> None:
        """Let memory follow the commit, as far as it can: what one step misses is no reason for the others to."""
        for step in self._steps.then if self._steps is not None else ():
            try:
                step()
            except Exception as error:
                log.exception("memory could not follow the catalogue's database")
                self._error = self._error or error

    def answer(self) -> None:
        """Tell the caller."""
        if self._error is None:
            self.future.set_result(self._result)
        else:
            self.future.set_exception(meaning_of(self._error))


class Writer:
    """The thread and its queue.

    Args:
        path: the database.
        db: a connection from `schema.connect_writer`, given away to the thread.
    """

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self._wal = path.with_name(path.name + "-wal")
        self._db = db
        self._queue: queue.SimpleQueue[_Operation | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._logged = True  # the write-ahead log may hold what the database does not
        self._stuck = False
        self._thread = threading.Thread(target=self._work, name="sonotype-catalog-write", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue an operation; its future ends when it is durable or has failed."""
        operation = _Operation(work)
        with self._closing:
            if self._closed:
                raise SonotypeError(Code.UNAVAILABLE, "The catalogue is closed.")
            self._queue.put(operation)
        return operation.future

    async def run(self, work: Callable[[Transaction], T]) -> T:
        """Wait for an operation. One that has begun goes on when the caller leaves."""
        return await asyncio.wrap_future(self.submit(work))

    def close(self) -> None:
        """Finish what is queued, put the log into the database, close. Blocking."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        going = True
        while going:
            going, group = self._next()
            group = [one for one in group if one.future.set_running_or_notify_cancel()]
            if group:
                self._commit(group)
                self._logged = True
            self._checkpoint(self._wal_limit() if group else 0)
        self._checkpoint(0, "TRUNCATE")
        self._db.close()

    def _next(self) -> tuple[bool, list[_Operation]]:
        """Whether to go on, and what is queued, at most `GROUP`; nothing after a quiet second with work left to do."""
        group: list[_Operation] = []
        try:
            one = self._queue.get(timeout=_IDLE_S if self._logged else None)
            while one is not None:
                group.append(one)
                if len(group) == GROUP:
                    return True, group
                one = self._queue.get_nowait()
        except queue.Empty:
            return True, group
        return False, group

    def _commit(self, group: list[_Operation]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for one in group:
                one.attempt(self._db)
            self._db.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - edge of the worker loop: the group fails, the thread lives
            for one in group:
                one.fail(error)
            self._roll_back()
        for one in group:
            one.follow()
        for one in group:
            one.answer()

    def _roll_back(self) -> None:
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error:
            log.exception("a transaction of the catalogue could not be rolled back")

    def _wal_limit(self) -> int:
        """Size of the write-ahead log from which it is put away also while more operations wait."""
        try:
            return min(_WAL_BYTES, shutil.disk_usage(self._wal.parent).free // _WAL_SHARE)
        except OSError:
            return _WAL_BYTES

    def _checkpoint(self, above_bytes: int, mode: str = "PASSIVE") -> None:
        """Put the write-ahead log into the database when it has grown; after the answers, so nobody waits for it."""
        try:
            if self._logged and self._wal.stat().st_size > above_bytes:
                _, frames, done = self._db.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
                self._logged, self._stuck = frames != done, False
        except (OSError, sqlite3.Error) as error:
            if not self._stuck:  # it is tried again and again, and told once
                log.warning("the log of the catalogue's database cannot be put away yet", error=str(error))
            self._stuck = True
