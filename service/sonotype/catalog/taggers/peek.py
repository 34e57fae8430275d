"""Look at taggers without holding them, as a list of models does while a service has them open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sonotype.catalog.taggers import folder as files
from sonotype.catalog.taggers.values import About


@dataclass(frozen=True, slots=True)
class Peeked:
    """A tagger as its files say: what it was made of, its newest version, and how large they are."""

    about: About
    version: int
    n_bytes: int


def peek(root: Path) -> Iterator[Peeked]:
    """Every tagger in a folder that can be read, sorted by name; none where there is no folder."""
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if folder.is_dir() and not folder.name.startswith("."):
            try:
                yield _peeked(folder)
            except (files.DamagedFolderError, OSError, ValueError, KeyError, TypeError):
                continue  # whoever opens it says what is wrong


def _peeked(folder: Path) -> Peeked:
    changes = (folder / files.LOG).read_bytes().count(b"\n")
    return Peeked(files.about(folder), 1 + changes, sum(path.stat().st_size for path in folder.iterdir()))
