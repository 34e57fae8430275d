"""A megabyte set aside: what SQLite needs to open its log, on a disk that others have filled meanwhile.

A clean end deletes the log and its shared memory; to begin them anew takes some room, also for a catalogue that will
only be read. The reserve is given up then, and set aside again by the next opening that finds room.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import structlog

BYTES = 1 << 20
_ROOM = 16 * BYTES  # free bytes from which a megabyte is not missed
log = structlog.get_logger(__name__)


def set_aside(path: Path) -> None:
    """Make the reserve where there is none and the disk has room; the catalogue lives without it, too."""
    try:
        if shutil.disk_usage(path.parent).free < _ROOM or (path.exists() and path.stat().st_size == BYTES):
            return
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, BYTES)
    except OSError as error:
        log.warning("no reserve was set aside for a full disk", error=str(error))


def give_up(path: Path) -> bool:
    """Free the reserve where the disk is full; False if it is not, or there is none."""
    try:
        if shutil.disk_usage(path.parent).free >= BYTES:
            return False
        path.unlink()
    except OSError:
        return False
    log.warning("the disk is full: the catalogue is opened with its reserve")
    return True
