"""The log of a tagger: one line per change, `<CRC-32C> <JSON>`, durable before anybody is told of the change.

A last line that a crash cut short was never acknowledged, and is cut off when the log is opened. Anything else that
does not fit its checksum, and a line that is missing, is damage.
"""

from __future__ import annotations

import base64
import errno
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import orjson

from sonotype.catalog.taggers.values import FITTED, Change, Split
from sonotype.core.errors import Code, SonotypeError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DamagedLogError(ValueError):
    """The log is not what was written."""


class ChangeLog:
    """The file, open for as long as the tagger is.

    Args:
        path: of the file, which is written, empty, when the tagger is made. Raises `OSError` where it is gone.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._length = 0
        self._is_torn = False

    def close(self) -> None:
        """Close the file; nothing can be added any more."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def read(self) -> list[Change]:
        """Every change, oldest first. Raises `DamagedLogError`."""
        data = os.pread(self._fd, os.fstat(self._fd).st_size, 0)
        *lines, rest = data.split(b"\n")
        if lines and not rest and b"\0" in lines[-1]:
            rest = lines.pop()  # longer than a block of the disk, one of which was not written yet
        self._length = sum(len(line) + 1 for line in lines)
        if rest:
            self._cut()
        return [_parsed(line, number) for number, line in enumerate(lines)]

    def append(self, change: Change) -> None:
        """Add a change; it is on the disk when this returns, and never counts where it raises.

        Raises:
            SonotypeError: `insufficient_storage` where the disk is full; `unavailable` where it fails, or the log has
                been closed.
        """
        if self._fd < 0:  # and the number may be another file's by now
            raise SonotypeError(Code.UNAVAILABLE, "The tagger has been closed; nothing was changed.")
        line = _line(change)
        try:
            if self._is_torn:
                self._cut()
            self._is_torn = True
            _write(self._fd, line, self._length)
            os.fsync(self._fd)
        except OSError as error:
            self._try_to_cut()
            code = Code.INSUFFICIENT_STORAGE if error.errno in _FULL else Code.UNAVAILABLE
            raise SonotypeError(code, "The correction could not be written down; nothing was changed.") from error
        self._is_torn = False
        self._length += len(line)

    def _cut(self) -> None:
        os.ftruncate(self._fd, self._length)
        os.fsync(self._fd)
        self._is_torn = False

    def _try_to_cut(self) -> None:
        try:
            self._cut()
        except OSError:
            self._is_torn = True  # and is cut before the next line is written


def _write(fd: int, data: bytes, offset: int) -> None:
    done = 0
    while done < len(data):
        done += os.pwrite(fd, data[done:], offset + done)


def _line(change: Change) -> bytes:
    fields: dict[str, Any] = {
        name: value
        for name in Change.__dataclass_fields__
        if (value := getattr(change, name)) is not None and name not in ("vector", "split")
    }
    if change.vector is not None:
        fields["vector"] = base64.b64encode(np.ascontiguousarray(change.vector, "<f4").tobytes()).decode()
    if change.split is not None:
        fields["split"] = {"part": change.split.part, "moved": change.split.moved}
    body = orjson.dumps(fields)
    return b"%08x %s\n" % (google_crc32c.value(body), body)


def _parsed(line: bytes, number: int) -> Change:
    digits, _, body = line.partition(b" ")
    if digits != b"%08x" % google_crc32c.value(body):
        raise DamagedLogError(f"line {number + 1} of the log does not fit its checksum")
    fields: dict[str, Any] = orjson.loads(body)
    if fields["version"] != FITTED + 1 + number:
        raise DamagedLogError(f"line {number + 1} of the log makes version {fields['version']}")
    fields["at"] = datetime.fromisoformat(fields["at"])
    if "vector" in fields:
        fields["vector"] = np.frombuffer(base64.b64decode(fields["vector"]), dtype="<f4")
    if "split" in fields:
        fields["split"] = Split(fields["split"]["part"], tuple(fields["split"]["moved"]))
    if "merge" in fields:
        fields["merge"] = tuple(fields["merge"])
    return Change(**fields)
