"""How the catalogue's folder is opened: alone, whole, and with everything in memory that searching needs."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from filelock import FileLock, Timeout
from pyroaring import BitMap

from sonotype.catalog.embedded import lifecycle, loading, reserve
from sonotype.catalog.embedded.columns import Columns
from sonotype.catalog.embedded.failures import UNREADABLE, translated
from sonotype.catalog.embedded.generations import GenerationRow, Generations, OpenGeneration, OpenIndex
from sonotype.catalog.embedded.readers import Readers
from sonotype.catalog.embedded.schema import connect_writer, migrate
from sonotype.catalog.embedded.vectors import StoredVectors
from sonotype.catalog.embedded.writer import Writer
from sonotype.core.errors import Code, SonotypeError

log = structlog.get_logger(__name__)
DATABASE = "catalog.sqlite"
INDEXES = "index"
RESERVE = "reserve"
_FOLDER = re.compile("[0-9a-f]{16}")  # as `lifecycle.begin` names them


@dataclass(frozen=True, slots=True)
class Parts:
    """An open catalogue.

    Attributes:
        folder: with everything in it.
        columns: facts of all tracks.
        generations: with their indexes.
        writer: the thread that writes.
        readers: the threads that read.
        opener: opens the index of a generation.
        lock: held as long as the catalogue is open.
    """

    folder: Path
    columns: Columns
    generations: Generations
    writer: Writer
    readers: Readers
    opener: Callable[[GenerationRow], OpenGeneration]
    lock: FileLock

    def snapshots(self, row: GenerationRow) -> Path:
        """Where the index of a generation keeps its snapshots."""
        return self.folder / INDEXES / row.folder

    def discard(self, one: OpenGeneration) -> None:
        """Close the index of a generation that has been deleted, and delete its snapshots. Blocking."""
        one.index.close()
        shutil.rmtree(self.snapshots(one.row), ignore_errors=True)

    def close(self) -> None:
        """Finish what was acknowledged, write the snapshots, let go of the folder. Blocking."""
        self.writer.close()
        self.readers.close()
        for one in self.generations.all():
            one.index.close()
        self.lock.release()


def open_parts(folder: Path, open_index: OpenIndex) -> Parts:
    """Open the catalogue in a folder, making it where there is none. Blocking, for seconds where it is large.

    Raises:
        SonotypeError: `conflict` where another process has it open, or a newer version has written it; `unavailable`
            where it is damaged or cannot be read; nothing is deleted or replaced then.
    """
    with contextlib.ExitStack() as undo:
        lock = _lock(folder)
        undo.callback(lock.release)
        with translated():
            db = _database(folder)
            undo.callback(db.close)
            columns = loading.load(db)
            rows, alias = lifecycle.rows(db), lifecycle.alias(db)
        parts = _assemble(folder, db, columns, lock, open_index)
        undo.pop_all()
        undo.callback(parts.close)
        for row in rows:
            try:
                one = parts.opener(row)
            except OSError as error:
                raise _unusable(folder, error) from error
            parts.writer.submit(functools.partial(lifecycle.register, generations=parts.generations, one=one)).result()
        parts.generations.alias = alias
        undo.pop_all()
    _sweep(folder / INDEXES, {row.folder for row in rows})
    reserve.set_aside(folder / RESERVE)
    log.info("catalogue opened", tracks=columns.tracks, generations=len(rows), alias=alias)
    return parts


def bytes_in(folder: Path) -> int:
    """Size of all files below a folder; files that go meanwhile count nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def _sweep(indexes: Path, wanted: Collection[str]) -> None:
    """Delete the snapshots of generations that were deleted by a process that died before it came to them."""
    if not wanted or not indexes.is_dir():
        return  # a database begun anew says nothing of what was there
    for path in indexes.iterdir():
        if path.name not in wanted and _FOLDER.fullmatch(path.name) and not path.is_symlink():
            log.info("the index of a deleted generation is deleted", folder=path.name)
            shutil.rmtree(path, ignore_errors=True)


def _database(folder: Path) -> sqlite3.Connection:
    """The writer's connection, tables up to date; at the price of the reserve where the disk is full."""
    try:
        return _connected(folder / DATABASE)
    except sqlite3.Error:
        if not reserve.give_up(folder / RESERVE):
            raise
        return _connected(folder / DATABASE)


def _connected(path: Path) -> sqlite3.Connection:
    db = connect_writer(path)
    try:
        migrate(db)
    except (sqlite3.Error, SonotypeError):
        db.close()
        raise
    return db


def _assemble(folder: Path, db: sqlite3.Connection, columns: Columns, lock: FileLock, open_index: OpenIndex) -> Parts:
    path, generations = folder / DATABASE, Generations()
    writer = Writer(path, db)

    def opener(row: GenerationRow) -> OpenGeneration:
        def damaged(some: Sequence[int]) -> None:
            log.error(
                "vectors are damaged and set aside; embed their tracks again", generation=row.name, rows=list(some)
            )
            with contextlib.suppress(SonotypeError):  # it is closing: the next opening finds them again
                writer.submit(lambda steps: lifecycle.set_aside(steps, generations, row, some))

        source = StoredVectors(path, row.number, row.dim, damaged)
        index = open_index(folder / INDEXES / row.folder, row.dim, source)
        return OpenGeneration(row, index, BitMap())

    return Parts(folder, columns, generations, writer, Readers(path), opener, lock)


def _lock(folder: Path) -> FileLock:
    lock = FileLock(folder / "lock", thread_local=False)  # it is released by another thread than this
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        detail = "A service has this catalogue open: stop it, or work through it with --server URL."
        raise SonotypeError(Code.CONFLICT, detail) from error
    except OSError as error:
        raise _unusable(folder, error) from error
    return lock


def _unusable(folder: Path, error: OSError) -> SonotypeError:
    log.error("the catalogue's folder cannot be used", folder=str(folder), error=str(error))
    return SonotypeError(Code.UNAVAILABLE, UNREADABLE)
