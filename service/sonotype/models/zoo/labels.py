"""The label lists that published models share, as data files of this package."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError

SEPARATOR = "---"
LABEL_SETS = {"discogs-400": 400, "discogs-519": 519}
"""Name of a list and how long it is: styles of the Discogs taxonomy, each as `Genre---Style`."""

_FOLDER = Path(__file__).resolve().parent / "labels"


def label_set(name: str) -> tuple[str, ...]:
    """A label list by its name, in the order of the outputs.

    Raises:
        SonotypeError: `invalid_request` for a name that is not in `LABEL_SETS`.
    """
    if name not in LABEL_SETS:
        known = ", ".join(LABEL_SETS)
        raise SonotypeError(Code.INVALID_REQUEST, f"There is no label list {name[:40]!r}; there are {known}.")
    return read_labels(_FOLDER / f"{name}.txt")


def label_set_of(count: int) -> tuple[str, ...] | None:
    """The label list of so many labels, if exactly one of ours has that many."""
    names = [name for name, length in LABEL_SETS.items() if length == count]
    return label_set(names[0]) if len(names) == 1 else None


def read_labels(path: Path) -> tuple[str, ...]:
    """A text file of one label per line.

    Raises:
        SonotypeError: `not_found`, or `invalid_request` for a file without labels or with one twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SonotypeError(Code.NOT_FOUND, f"{path.name!r} cannot be read as text.") from error
    labels = tuple(line.strip() for line in lines if line.strip())
    if not labels or len(set(labels)) != len(labels):
        raise SonotypeError(Code.INVALID_REQUEST, f"{path.name!r} must hold one label per line, each once.")
    return labels


def by_genre(labels: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Labels of the form `Genre---Style` by their genre; others are in no group."""
    groups: dict[str, list[str]] = {}
    for label in labels:
        genre, separator, _ = label.partition(SEPARATOR)
        if separator:
            groups.setdefault(genre, []).append(label)
    return {genre: tuple(members) for genre, members in groups.items()}
