"""Which audio files lie below a folder, without following anything out of it and without holding them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from sonotype.catalog.jobs.job import FileState
from sonotype.catalog.jobs.rows import Listed
from sonotype.plane.catalog.ingest.names import is_audio_name, is_utf8, place_of, shown
from sonotype.plane.catalog.ingest.rooted import FOLDER, PassedOverError, Root, told

# Each level costs two descriptors while it is walked.
MAX_DEPTH = 64
_LINK = "It is a link; links are not followed."


def walk(root: Root, path: str) -> Iterator[Listed | None]:
    """What lies below `path`, in no order: `Listed.place` gives it one.

    Files whose name does not end like audio are passed over in silence, as covers and texts lie in every library;
    whatever is not a file, or cannot be entered, is listed as skipped with the reason.

    Yields:
        A file; None for every entry that is none, so that the caller can stop in between.

    Raises:
        PassedOverError: the folder itself cannot be entered.
    """
    prefix = f"{path}/" if path else ""
    yield from _below(root.folder(path), prefix, 1)


def _below(folder: int, prefix: str, depth: int) -> Iterator[Listed | None]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield from _entry(folder, entry, prefix, depth)
    except OSError:
        yield _skipped(prefix.rstrip("/"), "The folder cannot be read to its end.")
    finally:
        os.close(folder)


def _entry(folder: int, entry: os.DirEntry[str], prefix: str, depth: int) -> Iterator[Listed | None]:
    path = prefix + entry.name
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except OSError:
        yield _skipped(path, "It cannot be read.")
        return
    if stat.S_ISDIR(mode):
        yield from _folder(folder, entry.name, path, depth)
    elif stat.S_ISREG(mode):
        yield _file(path) if is_audio_name(entry.name) else None
    elif stat.S_ISLNK(mode):
        yield _skipped(path, _LINK) if _worth_telling(folder, entry.name) else None
    else:
        yield _skipped(path, "It is a pipe, a socket or a device, not a file.")


def _folder(folder: int, name: str, path: str, depth: int) -> Iterator[Listed | None]:
    if depth >= MAX_DEPTH:
        yield _skipped(path, f"It lies more than {MAX_DEPTH} folders deep.")
        return
    try:
        with told():
            below = os.open(name, FOLDER, dir_fd=folder)
    except PassedOverError as error:
        yield _skipped(path, error.detail)
        return
    yield from _below(below, f"{path}/", depth + 1)


def _file(path: str) -> Listed:
    if not is_utf8(path):
        return _skipped(path, "Its name is not valid UTF-8.")
    return Listed(place_of(path), shown(path), entry="")


def _skipped(path: str, detail: str) -> Listed:
    return Listed(place_of(path), shown(path), state=FileState.SKIPPED, detail=detail, entry="")


def _worth_telling(folder: int, name: str) -> bool:
    """Whether somebody may miss what a link points to: a folder, or something named like audio."""
    if is_audio_name(name):
        return True
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=folder).st_mode)
    except OSError:
        return False
