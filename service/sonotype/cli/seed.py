"""Seeds of a query as they are typed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sonotype.cli.files import read_file
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Upload
from sonotype.plane.catalog.limits import ID

_WEIGHTED = re.compile(r"(?P<what>.+?)\*(?P<weight>[-+]?\d*\.?\d+)")
_KINDS = ("tag", "prototype", "track")


def read_seeds(words: list[str]) -> tuple[list[dict[str, Any]], Upload | None]:
    """Seeds from `ID`, `FILE`, `tag:NAME`, `prototype:ID` or `track:ID`, each with `*WEIGHT` if need be.

    Returns:
        The seeds as `POST /v1/similar` takes them, and the file that one of them may be.

    Raises:
        SonotypeError: `invalid_request` for a second file, one that cannot be read, and what is neither a file nor
            an id.
    """
    seeds: list[dict[str, Any]] = []
    upload: Upload | None = None
    for word in words:
        what, weight = _split(word)
        kind, _, name = what.partition(":")
        if kind in _KINDS and name:
            seeds.append({kind: name, "weight": weight})
        elif _is_file(what):
            if upload is not None:
                raise SonotypeError(Code.INVALID_REQUEST, "Only one of the seeds can be a file; ingest the others.")
            upload = _read(Path(what))
            seeds.append({"upload": True, "weight": weight})
        elif ID.fullmatch(what):
            seeds.append({"track": what, "weight": weight})
        else:
            raise SonotypeError(Code.INVALID_REQUEST, f"{what[:200]} is neither a file nor the id of a track.")
    return seeds, upload


def _split(word: str) -> tuple[str, float]:
    """A file whose name looks weighted is that file."""
    found = None if _is_file(word) else _WEIGHTED.fullmatch(word)
    return (found["what"], float(found["weight"])) if found else (word, 1.0)


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except OSError:  # too long for a name
        return False


def _read(path: Path) -> Upload:
    try:
        return Upload.of(read_file(path))
    except SonotypeError as error:
        raise SonotypeError(error.code, f"{path.name} {error.detail}") from None
