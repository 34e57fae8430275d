"""A folder, and a way into it that leads nowhere else.

Every component of a path is opened below the one before it (`openat`), and no link is followed, so that neither `..`
nor a link nor a folder that is swapped under our feet leads out of the root.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

from sonotype.catalog.jobs.job import FileState
from sonotype.core.errors import Code, SonotypeError

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a FIFO waits for its other end for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_PIECE = 1 << 20
_KINDS = {
    stat.S_IFLNK: "It is a link; links are not followed.",
    stat.S_IFIFO: "It is a pipe, not a file.",
    stat.S_IFSOCK: "It is a socket, not a file.",
    stat.S_IFCHR: "It is a device, not a file.",
    stat.S_IFBLK: "It is a device, not a file.",
    stat.S_IFDIR: "It is a folder, not a file.",
}
_ERRORS = {
    errno.ENOENT: (FileState.FAILED, Code.NOT_FOUND, "There is no such file."),
    errno.ENOTDIR: (FileState.FAILED, Code.NOT_FOUND, "There is no such file."),
    errno.ENAMETOOLONG: (FileState.FAILED, Code.NOT_FOUND, "There is no such file."),
    errno.ELOOP: (FileState.SKIPPED, None, _KINDS[stat.S_IFLNK]),
    errno.ENXIO: (FileState.SKIPPED, None, _KINDS[stat.S_IFSOCK]),
    errno.EACCES: (FileState.SKIPPED, None, "It may not be read."),
    errno.EPERM: (FileState.SKIPPED, None, "It may not be read."),
}


class PassedOverError(Exception):
    """A file that is not ingested, with the outcome that says why."""

    def __init__(self, state: FileState, detail: str, code: Code | None = None) -> None:
        super().__init__(detail)
        self.state = state
        self.detail = detail
        self.code = code


class Root:
    """A folder opened for good: it stays the same one if it is renamed.

    Args:
        folder: links on the way to it are followed, for its owner chose it.

    Raises:
        SonotypeError: `not_found` where there is no such folder, `forbidden` where it may not be read.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._fd = os.open(folder, FOLDER & ~os.O_NOFOLLOW)
            # Not closed by hand: a thread may still read below it when its job has been cancelled.
            weakref.finalize(self, os.close, self._fd)
        except PermissionError:
            raise SonotypeError(Code.FORBIDDEN, "The ingest root may not be read.") from None
        except OSError:
            raise SonotypeError(Code.NOT_FOUND, "The ingest root is not a folder.") from None

    def kind(self, path: str) -> int:
        """File type of what lies at a path (`stat.S_IFMT`). Raises `PassedOverError`."""
        with self._above(path) as (folder, name), told():
            return stat.S_IFMT(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)

    def folder(self, path: str) -> int:
        """A descriptor of the folder at a path; the caller closes it. Raises `PassedOverError`."""
        with self._above(path) as (folder, name), told():
            return os.open(name, FOLDER, dir_fd=folder)

    def file(self, path: str) -> int:
        """A descriptor of the regular file at a path; the caller closes it. Raises `PassedOverError`."""
        with self._above(path) as (folder, name), told():
            descriptor = os.open(name, _FILE, dir_fd=folder)
        kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
        if kind == stat.S_IFREG:
            return descriptor
        os.close(descriptor)
        raise PassedOverError(FileState.SKIPPED, _KINDS.get(kind, "It is not a file."))

    def read(self, path: str, max_bytes: int, settle_s: float = 0.25) -> bytes:
        """The bytes of a file that nobody writes to.

        Args:
            path: below the root.
            max_bytes: a larger file is not read.
            settle_s: a file that was written a moment ago is watched for so long.

        Raises:
            PassedOverError: it cannot be read, is empty, too large, or changes meanwhile.
        """
        descriptor = self.file(path)
        try:
            with told():
                return _read(descriptor, max_bytes, settle_s)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _above(self, path: str) -> Iterator[tuple[int, str]]:
        """A descriptor of the folder that holds `path`, and its last name."""
        *parents, name = parts_of(path) or ["."]
        folder = os.dup(self._fd)
        try:
            for parent in parents:
                with told():
                    below = os.open(parent, FOLDER, dir_fd=folder)
                os.close(folder)
                folder = below
            yield folder, name
        finally:
            os.close(folder)


def parts_of(path: str) -> list[str]:
    """Components of a path below the root; `.` and empty ones are dropped, `..` goes up in words, not on the disk.

    Raises:
        PassedOverError: it leads out of the root, or is no path at all.
    """
    parts: list[str] = []
    if path.startswith("/"):
        raise _outside()
    for part in path.split("/"):
        if part == "..":
            if not parts:
                raise _outside()
            parts.pop()
        elif "\0" in part:
            raise PassedOverError(FileState.FAILED, "This is not a path.", Code.INVALID_REQUEST)
        elif part not in ("", "."):
            parts.append(part)
    return parts


def _outside() -> PassedOverError:
    return PassedOverError(FileState.FAILED, "The path leads out of the root.", Code.FORBIDDEN)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Say what the system's errors mean for a file."""
    try:
        yield
    except OSError as error:
        state, code, detail = _ERRORS.get(error.errno or 0, (FileState.SKIPPED, None, "It cannot be read."))
        raise PassedOverError(state, detail, code) from None


def _read(descriptor: int, max_bytes: int, settle_s: float) -> bytes:
    before = os.fstat(descriptor)
    if abs(time.time() - before.st_mtime) < 8 * settle_s:
        time.sleep(settle_s)
    if before.st_size > max_bytes:
        detail = f"The file has more than {max_bytes} bytes."
        raise PassedOverError(FileState.FAILED, detail, Code.UPLOAD_TOO_LARGE)
    data = bytearray()
    while len(data) <= before.st_size and (piece := os.read(descriptor, min(_PIECE, before.st_size + 1 - len(data)))):
        data += piece
    after = os.fstat(descriptor)
    if (len(data), after.st_size, after.st_mtime_ns) != (before.st_size, before.st_size, before.st_mtime_ns):
        raise PassedOverError(FileState.SKIPPED, "It changed while it was read; somebody still writes to it.")
    if not data:
        raise PassedOverError(FileState.SKIPPED, "It is empty.")
    return bytes(data)
