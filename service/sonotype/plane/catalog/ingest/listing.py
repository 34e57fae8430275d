"""Which files a path stands for: a folder, a manifest, a playlist, or a single file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from sonotype.catalog.jobs.rows import Listed
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog.ingest.entry import Entry
from sonotype.plane.catalog.ingest.manifest import read_manifest
from sonotype.plane.catalog.ingest.playlist import read_playlist
from sonotype.plane.catalog.ingest.rooted import PassedOverError, Root, parts_of
from sonotype.plane.catalog.ingest.walk import walk


def find_files(root: Root, root_path: str, path: str) -> Iterator[Listed | None]:
    """The files that a job is about; `Listed.place` says in which order.

    Args:
        root: nothing outside it is touched.
        root_path: how users write it, for absolute paths in lists.
        path: below it; empty for the root itself.

    Yields:
        A file, or None so that the caller can look up in between.

    Raises:
        SonotypeError: `not_found`, `forbidden` or `invalid_request` where nothing can be made of the path.
    """
    try:
        path = "/".join(parts_of(path))
        _check(root, path)
        yield from _find(root, root_path, path)
    except PassedOverError as error:
        raise SonotypeError(error.code or Code.INVALID_REQUEST, _about(error)) from None


def check_path(root: Root, path: str) -> None:
    """Whether a path stands for files at all, without looking for them. Raises as `find_files`."""
    try:
        _check(root, "/".join(parts_of(path)))
    except PassedOverError as error:
        raise SonotypeError(error.code or Code.INVALID_REQUEST, _about(error)) from None


def _check(root: Root, path: str) -> None:
    if not stat.S_ISDIR(root.kind(path)):
        os.close(root.file(path))


def _find(root: Root, root_path: str, path: str) -> Iterator[Listed | None]:
    if stat.S_ISDIR(root.kind(path)):
        yield from walk(root, path)
    elif path.lower().endswith(".csv"):
        yield from read_manifest(root, root_path, path)
    elif path.lower().endswith((".m3u", ".m3u8")):
        yield from read_playlist(root, root_path, path)
    else:
        yield Entry(path).listed(0)


def _about(error: PassedOverError) -> str:
    return f"The path of the job cannot be used: {error.detail[0].lower()}{error.detail[1:]}"
