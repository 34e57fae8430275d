"""A data set is a manifest: one row per file, with its labels, its split and where it comes from."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from sonotype.core.errors import Code, SonotypeError

Split = Literal["train", "validation", "test"]
HEADER = ("path", "labels", "split", "source", "group", "licence")
_SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled file.

    Attributes:
        path: the audio file.
        labels: one label, or several for multilabel data.
        split: what the file is used for.
        source: the collection it comes from; splits across sources measure generalisation.
        group: files of one group (a phrase, an artist) never lie in different splits.
        licence: SPDX name or words; empty where unknown.
    """

    path: Path
    labels: tuple[str, ...]
    split: Split = "train"
    source: str = ""
    group: str = ""
    licence: str = ""


def read_manifest(path: Path) -> list[Example]:
    """Read a CSV with the columns of `HEADER`; only `path` and `labels` (or `label`) are required.

    Relative paths are relative to the folder of the CSV; several labels are separated by `|`.

    Raises:
        SonotypeError: `invalid_request`, naming the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            return [_example(row, path.parent, rows.line_num) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _invalid(
            f"The manifest {path.name} cannot be read: {getattr(error, 'strerror', None) or error}."
        ) from error


def write_manifest(path: Path, examples: Iterable[Example]) -> None:
    """Write a manifest; paths below its folder are written relative to it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for e in examples:
            inside = e.path.is_relative_to(path.parent)
            name = e.path.relative_to(path.parent) if inside else e.path.resolve()
            writer.writerow([name, _SEPARATOR.join(e.labels), e.split, e.source, e.group, e.licence])


def _example(row: dict[str, str | None], folder: Path, line: int) -> Example:
    name, cell = row.get("path"), row.get("labels") or row.get("label") or ""
    labels = tuple(label.strip() for label in cell.split(_SEPARATOR) if label.strip())
    if not name or not labels:
        raise _invalid(f"Line {line} of the manifest needs a `path` and `labels`.")
    split = row.get("split") or "train"
    if split not in get_args(Split):
        raise _invalid(f"Line {line} of the manifest: the split must be train, validation or test, not {split[:40]!r}.")
    return Example(
        path=folder / name,
        labels=labels,
        split=cast(Split, split),
        source=row.get("source") or "",
        group=row.get("group") or "",
        licence=row.get("licence") or "",
    )


def _invalid(detail: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, detail)
