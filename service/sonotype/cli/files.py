"""Which files a path on the command line stands for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from stat import S_ISREG

from sonotype.core.errors import Code, SonotypeError

# Only how a folder is searched: what a file really is, its bytes decide.
SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".mp4"}
    | {".aac", ".webm", ".mka", ".mkv", ".aif", ".aiff", ".aifc"}
)


def find_audio(paths: Iterable[Path]) -> list[Path]:
    """Files as given, folders searched deeply for audio suffixes, in a stable order.

    Raises:
        SonotypeError: `invalid_request` for a path that does not exist or a folder without audio.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
            if not inside:
                raise SonotypeError(Code.INVALID_REQUEST, f"{path}: no audio files in this folder.")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise SonotypeError(Code.INVALID_REQUEST, f"{path}: no such file or folder.")
    return list(dict.fromkeys(found))


def read_file(path: Path) -> bytes:
    """The bytes of a file. A pipe or a device is refused, as it may never end, or never begin.

    Raises:
        SonotypeError: `invalid_request` for what cannot be read or is no file.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SonotypeError(Code.INVALID_REQUEST, "is a pipe or a device, not a file.")
            return file.read()
    except OSError as error:
        raise SonotypeError(Code.INVALID_REQUEST, f"cannot be read: {error.strerror}.") from None


def _without_waiting(path: str, flags: int) -> int:
    """Opening a pipe that nobody writes to would wait for ever."""
    return os.open(path, flags | os.O_NONBLOCK)
