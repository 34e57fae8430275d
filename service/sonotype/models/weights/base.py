"""What the modules of this package share: progress, hashes, and files that are written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError

Progress = Callable[[str, int, int | None], None]
"""Called with the stage (`download`, `convert`), the bytes done and, where it is known, the bytes in total."""


def no_progress(stage: str, done: int, total: int | None) -> None:
    """Show nothing."""


def corrupt(detail: str) -> SonotypeError:
    """An error for bytes that are not what they should be."""
    return SonotypeError(Code.WEIGHTS_CORRUPT, detail)


def unreachable(detail: str) -> SonotypeError:
    """An error for a source that gave us nothing."""
    return SonotypeError(Code.SOURCE_UNREACHABLE, detail)


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes (hex), read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader, or a crash, sees the old file or the new one and nothing between.

    Raises:
        OSError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{secrets.token_hex(8)}.tmp"
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def move_into_place(source: Path, target: Path) -> None:
    """Make a finished file durable, then give it its name (both in one file system)."""
    with source.open("rb") as file:
        os.fsync(file.fileno())
    source.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: without this a crash may forget a rename."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
