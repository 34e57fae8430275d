"""Finished renderings on disk: lossless files that survive a restart, and are known to be whole."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import shutil
from collections.abc import Collection
from pathlib import Path

from sonotype.models.weights.base import write_atomic
from sonotype.telemetry import metrics

_log = logging.getLogger(__name__)
_DIGITS = 16
_NAME = re.compile(r"[0-9a-f]{32}")


class Shelf:
    """Files by name, in one folder per model; the end of a file's name is the hash of its content.

    All calls block for the time of the disk.

    Args:
        folder: made when the first file is put.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, shelf: str, name: str) -> bytes | None:
        """The content of a file, or None where there is none; a damaged one is removed and counts as none."""
        for path in self._found(shelf, name):
            try:
                data = path.read_bytes()
            except OSError:
                continue
            if path.name == _file_name(name, data):
                return data
            metrics.RENDERINGS.labels("damaged").inc()
            _log.warning("a rendering on disk is damaged; it will be made again")
            self._remove(path)
        return None

    def has(self, shelf: str, name: str) -> bool:
        """Whether there is such a file, whole or not."""
        return bool(self._found(shelf, name))

    def put(self, shelf: str, name: str, data: bytes) -> None:
        """Keep a file, in the place of any other of its name; a disk that refuses costs only the memory of it."""
        old = self._found(shelf, name)
        path = self._folder / shelf / _file_name(name, data)
        try:
            write_atomic(path, data)
        except OSError as error:
            _log.warning("a rendering cannot be kept (%s)", type(error).__name__)
            return
        for other in old:
            if other != path:
                self._remove(other)

    def tidy(self, used: Collection[str], spare: int) -> list[str]:
        """Remove the folders of models that are not served any more.

        Args:
            used: shelves of the models that are served; they stay, and count as used now.
            spare: how many others stay, the last used ones, for models that come back.

        Returns:
            The shelves that were removed.
        """
        found = [path for path in self._folder.glob("*") if _NAME.fullmatch(path.name) and path.is_dir()]
        others = sorted((path for path in found if path.name not in used), key=_changed_at, reverse=True)
        for path in found:
            if path.name in used:
                with contextlib.suppress(OSError):
                    os.utime(path)
        for path in others[spare:]:
            shutil.rmtree(path, ignore_errors=True)  # what cannot be removed now is tried at the next start
        return [path.name for path in others[spare:]]

    def _found(self, shelf: str, name: str) -> list[Path]:
        return sorted((self._folder / shelf).glob(f"{name}.{'?' * _DIGITS}.flac"))

    @staticmethod
    def _remove(path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("a rendering cannot be removed (%s)", type(error).__name__)


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _file_name(name: str, data: bytes) -> str:
    return f"{name}.{hashlib.sha256(data).hexdigest()[:_DIGITS]}.flac"
