"""What a failure of SQLite means to a user."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from sonotype.core.errors import Code, SonotypeError

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
log = structlog.get_logger(__name__)

DAMAGED = (
    "The catalogue's database is damaged: stop the service and put a backup of the catalogue's folder in its place, "
    "or save what can be read with the `.recover` command of the sqlite3 program; nothing was deleted."
)
FULL = "The disk is too full to store anything in the catalogue: make room, reading goes on meanwhile."
UNREADABLE = "The catalogue's database cannot be read or written: look at its folder, its disk and their permissions."


@contextmanager
def translated() -> Iterator[None]:
    """Errors of SQLite inside become errors for users."""
    try:
        yield
    except sqlite3.Error as error:
        raise meaning_of(error) from error


def meaning_of(error: BaseException) -> BaseException:
    """The user's error for an error of SQLite; any other error as it is."""
    if not isinstance(error, sqlite3.Error):
        return error
    extended = int(getattr(error, "sqlite_errorcode", 0))
    code = extended & 0xFF
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:  # the log's memory could not grow
        return SonotypeError(Code.INSUFFICIENT_STORAGE, FULL)
    log.error("the catalogue's database failed", error=str(error), code=getattr(error, "sqlite_errorname", None))
    if code in _DAMAGED:
        return SonotypeError(Code.UNAVAILABLE, DAMAGED)
    if code in _BUSY:
        return SonotypeError(Code.UNAVAILABLE, "The catalogue's database is busy.", retry_after_s=1.0)
    return SonotypeError(Code.UNAVAILABLE, UNREADABLE)
