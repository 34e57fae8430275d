"""The log of a tagger: one line per change, `<CRC-32C> <JSON>`, durable before anybody is told of the change.

A line that a crash cut short was never acknowledged, and is cut off when the log is opened. Anything else that does
not fit its checksum is damage.
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

from sonotype.catalog.taggers.values import Change, Split
from sonotype.core.errors import Code, SonotypeError


class DamagedLogError(ValueError):
    """The log is not what was written."""


class ChangeLog:
    """The file, open for as long as the tagger is.

    Args:
        path: of the file; made where there is none.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._length = 0

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def read(self) -> list[Change]:
        """Every change, oldest first. Raises `DamagedLogError`."""
        size = os.fstat(self._fd).st_size
        lines = os.pread(self._fd, size, 0).splitlines(keepends=True)
        if lines and not _is_whole(lines[-1]):
            lines.pop()
        self._length = sum(map(len, lines))
        if self._length < size:
            os.ftruncate(self._fd, self._length)
            os.fsync(self._fd)
        return [_parsed(line, number) for number, line in enumerate(lines)]

    def append(self, change: Change) -> None:
        """Add a change; it is on the disk when this returns, and not in the file where it raises.

        Raises:
            SonotypeError: `insufficient_storage` where the disk is full; `unavailable` where it fails.
        """
        line = _line(change)
        try:
            _write(self._fd, line, self._length)
            os.fsync(self._fd)
        except OSError as error:
            os.ftruncate(self._fd, self._length)
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            code = Code.INSUFFICIENT_STORAGE if full else Code.UNAVAILABLE
            raise SonotypeError(code, "The correction could not be written down; nothing was changed.") from error
        self._length += len(line)


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


def _is_whole(line: bytes) -> bool:
    digits, _, body = line.removesuffix(b"\n").partition(b" ")
    return line.endswith(b"\n") and digits == b"%08x" % google_crc32c.value(body)


def _parsed(line: bytes, number: int) -> Change:
    if not _is_whole(line):
        raise DamagedLogError(f"line {number + 1} of the log does not fit its checksum")
    fields: dict[str, Any] = orjson.loads(line.partition(b" ")[2])
    fields["at"] = datetime.fromisoformat(fields["at"])
    if "vector" in fields:
        fields["vector"] = np.frombuffer(base64.b64decode(fields["vector"]), dtype="<f4")
    if "split" in fields:
        fields["split"] = Split(fields["split"]["part"], tuple(fields["split"]["moved"]))
    if "merge" in fields:
        fields["merge"] = tuple(fields["merge"])
    return Change(**fields)
