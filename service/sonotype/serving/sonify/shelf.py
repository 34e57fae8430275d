"""Finished renderings on disk: lossless files that survive a restart, and are known to be whole."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from sonotype.models.weights.base import write_atomic
from sonotype.telemetry import metrics

_log = logging.getLogger(__name__)
_DIGITS = 16


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

    def _found(self, shelf: str, name: str) -> list[Path]:
        return sorted((self._folder / shelf).glob(f"{name}.{'?' * _DIGITS}.flac"))

    @staticmethod
    def _remove(path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("a rendering cannot be removed (%s)", type(error).__name__)


def _file_name(name: str, data: bytes) -> str:
    return f"{name}.{hashlib.sha256(data).hexdigest()[:_DIGITS]}.flac"
