"""The folder of a generation's snapshots: the newest sound one, two kept, damaged ones set aside, nothing else touched.

A new snapshot is written under another name, made durable, and renamed: a crash leaves the old ones and at most one
unfinished file, which the next attempt overwrites.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from pathlib import Path

import structlog

from sonotype.catalog.index import snapshot as files
from sonotype.catalog.index.snapshot import DamagedError, NewerError, Snapshot
from sonotype.models.weights.base import sync_folder

log = structlog.get_logger(__name__)

_NAME = re.compile(r"snapshot-(\d{8,})\.index")
_UNFINISHED = "snapshot.unfinished"
_KEPT = 2
_SPARE = 1.1  # times the size expected that must be free: the truth needs the last of the disk more than we do


class Shelf:
    """Snapshots in a folder, which is made if it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: Path | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def newest(self, dim: int) -> Snapshot | None:
        """The newest that is sound, if any is; damaged ones on the way to it are set aside."""
        for path in self._paths():
            try:
                snapshot = files.read(path, dim)
            except NewerError as error:
                log.warning("a snapshot of the index is left alone", reason=str(error))
            except DamagedError as error:
                self._set_aside(path, str(error))
            except OSError as error:
                log.warning("a snapshot of the index cannot be read", reason=error.strerror)
            else:
                self._loaded = path
                return snapshot
        return None

    def reject(self, reason: str) -> None:
        """Set the one that `newest` returned aside: it is sound, but not of this catalogue."""
        if self._loaded is not None:
            self._set_aside(self._loaded, reason)

    def age_s(self) -> float | None:
        """Seconds since the newest was written."""
        for path in self._paths():
            try:
                return max(0.0, time.time() - path.stat().st_mtime)
            except OSError:
                continue
        return None

    def write(self, snapshot: Snapshot) -> None:
        """Put a new one on the shelf and take the third-newest off.

        Raises:
            OSError: the disk is full, or the folder cannot be written; what was there stays.
        """
        unfinished = self._folder / _UNFINISHED
        if shutil.disk_usage(self._folder).free < _SPARE * snapshot.segment.size_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        try:
            files.write(unfinished, snapshot)
            unfinished.rename(self._folder / f"snapshot-{self._next():08d}.index")
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        sync_folder(self._folder)
        for path in [p for p in self._paths() if files.is_ours(p)][_KEPT:]:
            path.unlink(missing_ok=True)

    def _set_aside(self, path: Path, reason: str) -> None:
        """Give a file a name under which it is not looked at again."""
        number = sum(1 for _ in self._folder.glob(f"{path.name}.damaged*"))
        log.warning("a snapshot of the index is set aside", reason=reason)
        try:
            path.rename(path.with_name(f"{path.name}.damaged{number or ''}"))
        except OSError as error:
            log.warning("it cannot be renamed", reason=error.strerror)

    def _paths(self) -> list[Path]:
        """Newest first."""
        found = [(int(m[1]), path) for path in self._folder.iterdir() if (m := _NAME.fullmatch(path.name))]
        return [path for _, path in sorted(found, reverse=True) if path.is_file()]

    def _next(self) -> int:
        """A number greater than any in use."""
        return 1 + max((int(m[1]) for p in self._folder.iterdir() if (m := _NAME.match(p.name))), default=0)
