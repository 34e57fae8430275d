"""A CSV of values to predict: one row per file, one column per value."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast, get_args

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.data.dataset import Example, Split
from sonotype.training.examples import with_splits

Values = Mapping[Example, tuple[float, ...]]
_LEAST_FILES = 10


def read_targets(path: Path, names: Sequence[str], *, seed: int = 0) -> tuple[list[Example], Values]:
    """Read a CSV with the column `path`, one column per value, and perhaps `split` and `group`.

    Args:
        path: the CSV; paths in it are relative to its folder.
        names: of the columns to predict.
        seed: of the splits that are missing.

    Returns:
        The examples with splits, and the values of each.

    Raises:
        SonotypeError: `invalid_request` for a folder, a missing column, a value that is no finite number, a file that
            is there twice, or fewer than ten files; the line is named.
    """
    if path.is_dir():
        raise _refused("A regression needs a CSV with a column `path` and one column for each of --targets.")
    rows = _rows(path, names)
    if len(rows) < _LEAST_FILES:
        raise _refused(f"A regression needs at least {_LEAST_FILES} files, not {len(rows)}.")
    examples = with_splits([example for example, _ in rows], seed)
    return examples, {example: values for example, (_, values) in zip(examples, rows, strict=True)}


def _rows(path: Path, names: Sequence[str]) -> list[tuple[Example, tuple[float, ...]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = sorted({"path", *names} - set(reader.fieldnames or ()))
            if missing:
                raise _refused(f"{path.name} has no column {missing[0]!r}; it has {list(reader.fieldnames or ())}.")
            rows = [_row(row, path.parent, names, reader.line_num) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _refused(f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    seen: set[Path] = set()
    for example, _ in rows:
        if example.path in seen:
            raise _refused(f"{example.path.name} is in {path.name} twice.")
        seen.add(example.path)
    return rows


def _row(
    row: dict[str, str | None], folder: Path, names: Sequence[str], line: int
) -> tuple[Example, tuple[float, ...]]:
    split = row.get("split") or "train"
    if not row.get("path") or split not in get_args(Split):
        raise _refused(f"Line {line} needs a `path`, and a split of train, validation or test if any.")
    # one label for all: splits are then made over all groups
    place, group = folder / str(row["path"]), row.get("group") or ""
    example = Example(place, (names[0],), cast(Split, split), row.get("source") or "", group)
    return example, tuple(_number(row.get(name), name, line) for name in names)


def _number(cell: str | None, name: str, line: int) -> float:
    try:
        value = float(cell or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _refused(f"Line {line}: {name} is {(cell or '')[:40]!r}, which is no finite number.")
    return value


def _refused(detail: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, detail)
