"""Writes stop before the disk is full, while there is still room for what keeps the catalogue alive."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import structlog

from sonotype.catalog.embedded.failures import FULL
from sonotype.core.errors import Code, SonotypeError

HYSTERESIS = 0.05
log = structlog.get_logger(__name__)


def used_share(folder: Path) -> float:
    """Used part of the file system that holds a folder, 0…1, as an unprivileged user sees it."""
    usage = shutil.disk_usage(folder)
    return 1.0 - usage.free / max(usage.used + usage.free, 1)


class DiskGuard:
    """Whether there is room. Once full, it takes five points less before writes begin again.

    Args:
        folder: of the catalogue.
        full_at: used share from which nothing more is stored.
        measure: used share of the disk, 0…1.
    """

    def __init__(self, folder: Path, full_at: float, measure: Callable[[Path], float] = used_share) -> None:
        self._folder = folder
        self._full_at = full_at
        self._measure = measure
        self._full = False

    def has_room(self) -> bool:
        """Measure, and say whether something may be stored."""
        limit = self._full_at - HYSTERESIS if self._full else self._full_at
        full = self._measure(self._folder) >= limit
        if full != self._full:
            log.warning("the disk of the catalogue is full" if full else "the disk of the catalogue has room again")
        self._full = full
        return not full

    def check(self) -> None:
        """Raises `insufficient_storage` where nothing may be stored."""
        if not self.has_room():
            raise SonotypeError(Code.INSUFFICIENT_STORAGE, FULL)
