"""The lines of a list, one at a time and none of them endless."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator

from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog.ingest.rooted import Root

MAX_LINE_BYTES = 1 << 20


def lines_of(root: Root, path: str, fallback: str | None = None) -> Iterator[str]:
    """Lines of a text file with their ends, read as UTF-8.

    Args:
        root: of the job.
        path: below it.
        fallback: encoding of a line that is no UTF-8; None makes that an error.

    Raises:
        SonotypeError: `invalid_request` where this is no text.
        PassedOverError: it cannot be read.
    """
    with io.BufferedReader(io.FileIO(root.file(path), closefd=True)) as file:
        while line := file.readline(MAX_LINE_BYTES + 1):
            if len(line) > MAX_LINE_BYTES or b"\0" in line:
                raise SonotypeError(Code.INVALID_REQUEST, "The list is not a text file.")
            yield _text(line.removeprefix(b"\xef\xbb\xbf"), fallback)


def folder_of(path: str) -> str:
    """The folder of a path below the root; empty for the root itself."""
    return os.path.dirname(path)


def _text(line: bytes, fallback: str | None) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        if fallback is None:
            raise SonotypeError(Code.INVALID_REQUEST, "The list must be encoded in UTF-8.") from None
        return line.decode(fallback, "replace")
