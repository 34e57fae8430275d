"""The taggers of a deployment: one folder each, whole or not there."""

from __future__ import annotations

import logging
import shutil
import threading
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from sonotype.catalog.taggers import folder as files
from sonotype.catalog.taggers.folder import DamagedFolderError
from sonotype.catalog.taggers.log import DamagedLogError
from sonotype.catalog.taggers.tagger import Tagger
from sonotype.catalog.taggers.values import About, Base
from sonotype.core.errors import Code, SonotypeError
from sonotype.models.weights.base import sync_folder

FOLDER = "taggers"
_HALF = "."  # begins the name of a folder that is being made or deleted
_log = logging.getLogger(__name__)


class TaggerStore:
    """Opens what there is; makes and deletes whole taggers. Its methods may be called from any thread.

    Args:
        root: the folder of all of them; made where there is none.

    Raises:
        SonotypeError: `conflict` where another process holds it.
        OSError: it cannot be made or read.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._lock = root, threading.Lock()
        root.mkdir(parents=True, exist_ok=True)
        self._held = FileLock(root / ".lock", thread_local=False)  # another thread than this may release it
        try:
            self._held.acquire(blocking=False)
        except Timeout:
            raise SonotypeError(Code.CONFLICT, "Another process holds the taggers.") from None
        self._open: dict[str, Tagger] = {}
        self._damaged: dict[str, str] = {}
        for folder in sorted(root.iterdir()):
            if folder.is_dir():
                self._take(folder)

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            for tagger in self._open.values():
                tagger.close()
            self._open.clear()
            self._held.release()

    def all(self) -> list[Tagger]:
        """Every tagger that can be used, sorted by name."""
        with self._lock:
            return [self._open[name] for name in sorted(self._open)]

    def get(self, name: str) -> Tagger:
        """One tagger; never waits. Raises `not_found`; `unavailable` where its files are damaged."""
        tagger = self._open.get(name)
        if tagger is None and name in self._damaged:
            raise SonotypeError(Code.UNAVAILABLE, f"The files of the tagger {name} are damaged; the log says more.")
        if tagger is None:
            raise SonotypeError(Code.NOT_FOUND, f"There is no tagger {name[:200]!r}.")
        return tagger

    def check_free(self, name: str, most: int) -> None:
        """Raises `conflict` where the name is taken, or there are `most` taggers already; never waits."""
        self._check_free(name)
        if len(self._open) + len(self._damaged) >= most:
            raise SonotypeError(Code.CONFLICT, f"There may be {most} taggers; delete one first.")

    def create(self, about: About, base: Base) -> Tagger:
        """Keep a tagger; it is durable when this returns. Raises `conflict`, `insufficient_storage`."""
        made = self._root / f"{_HALF}{uuid4().hex}"
        try:
            files.write(made, about, base)
            tagger = Tagger(made)
            try:
                self._publish(made, tagger)
            except BaseException:
                tagger.close()
                raise
        except OSError as error:
            raise SonotypeError(Code.INSUFFICIENT_STORAGE, "The tagger could not be written to the disk.") from error
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return tagger

    def delete(self, name: str) -> None:
        """Delete for good, also one that is damaged. Raises `not_found`; `unavailable` where the disk fails."""
        gone = self._root / f"{_HALF}{uuid4().hex}"
        with self._lock:
            if name not in self._open and name not in self._damaged:
                raise SonotypeError(Code.NOT_FOUND, f"There is no tagger {name[:200]!r}.")
            try:
                self._move(self._root / name, gone)
            except OSError as error:
                raise SonotypeError(Code.UNAVAILABLE, f"The tagger {name} could not be deleted.") from error
            tagger = self._open.pop(name, None)
            self._damaged.pop(name, None)
        if tagger is not None:
            tagger.close()
        shutil.rmtree(gone, ignore_errors=True)

    def _publish(self, made: Path, tagger: Tagger) -> None:
        name = tagger.about.name
        with self._lock:
            self._check_free(name)
            self._move(made, self._root / name)
            self._open[name] = tagger

    def _move(self, folder: Path, to: Path) -> None:
        """Durably, or not at all."""
        folder.rename(to)
        try:
            sync_folder(self._root)
        except OSError:
            to.rename(folder)
            raise

    def _check_free(self, name: str) -> None:
        if name in self._open or name in self._damaged:
            raise SonotypeError(Code.CONFLICT, f"There is a tagger {name!r} already.")

    def _take(self, folder: Path) -> None:
        if folder.name.startswith(_HALF):
            shutil.rmtree(folder, ignore_errors=True)
            return
        try:
            self._open[folder.name] = Tagger(folder)
        except (DamagedFolderError, DamagedLogError, OSError, LookupError, ValueError, TypeError) as error:
            _log.error("the tagger %s cannot be read: %s", folder.name, error)
            self._damaged[folder.name] = str(error)
