"""A manifest: a CSV file with a column `path` and any metadata beside it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import Any

from sonotype.catalog.jobs.job import FileState
from sonotype.catalog.jobs.rows import Listed
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog.ingest.entry import Entry, below, refused
from sonotype.plane.catalog.ingest.lines import folder_of, lines_of
from sonotype.plane.catalog.ingest.rooted import PassedOverError, Root

TEXTS = ("collection", "external_id", "title", "artist", "album", "mbid", "isrc")
NUMBERS = ("year", "duration_s", "tempo_bpm")


def read_manifest(root: Root, root_path: str, path: str) -> Iterator[Listed]:
    """The files of a manifest, in its order; paths are relative to its folder.

    Columns are `path`, `id`, those of `TEXTS` and `NUMBERS`, `tags` (separated by `|`); any other becomes `extra`.
    An empty cell says nothing. A row that cannot be used is listed as failed.

    Raises:
        SonotypeError: `invalid_request` where this is no such file.
        PassedOverError: it cannot be read.
    """
    rows = csv.reader(lines_of(root, path), strict=True)
    try:
        columns = [name.strip().lower() for name in next(rows, [])]
        if "path" not in columns or len(set(columns)) != len(columns):
            raise SonotypeError(Code.INVALID_REQUEST, "A manifest begins with a line of column names, once `path`.")
        for number, cells in enumerate(rows):
            if cells:
                yield _listed(number, columns, cells, root_path, folder_of(path))
    except csv.Error:
        detail = f"Line {rows.line_num} of the manifest is not CSV."
        raise SonotypeError(Code.INVALID_REQUEST, detail) from None


def _listed(number: int, columns: list[str], cells: list[str], root_path: str, base: str) -> Listed:
    row = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if cell.strip()}
    written = row.pop("path", "")
    try:
        if len(cells) > len(columns):
            raise _wrong("The row has more cells than there are columns.")
        track, given = row.pop("id", None), _fields(row)
        return Entry(below(root_path, base, written), track, given).listed(number)
    except PassedOverError as error:
        return refused(number, written, error)


def _fields(row: dict[str, str]) -> Mapping[str, Any]:
    fields: dict[str, Any] = {name: row.pop(name) for name in TEXTS if name in row}
    fields |= {name: _number(name, row.pop(name)) for name in NUMBERS if name in row}
    if tags := [tag.strip() for tag in row.pop("tags", "").split("|") if tag.strip()]:
        fields["tags"] = tags
    if row:
        fields["extra"] = row
    return fields


def _number(name: str, cell: str) -> float | int:
    try:
        return int(cell) if name == "year" else float(cell)
    except ValueError:
        raise _wrong(f"{name} is not a number.") from None


def _wrong(detail: str) -> PassedOverError:
    return PassedOverError(FileState.FAILED, detail, Code.INVALID_REQUEST)
