"""Read Medley-solos-DB (Lostanlen et al. 2019), for users who have it.

Version 1.2 (Zenodo 3464194): 21 571 mono WAV files of 2.972 s at 44.1 kHz. Training and validation come from MedleyDB,
the test from solosDB, so the test is across collections. The classes are very unequal and differ between the splits:
report macro recall.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.data.dataset import Example, Split

METADATA = "Medley-solos-DB_metadata.csv"
LICENCE = "CC-BY-4.0"
LABELS = (
    "clarinet",
    "distorted electric guitar",
    "female singer",
    "flute",
    "piano",
    "tenor saxophone",
    "trumpet",
    "violin",
)
COUNTS: dict[Split, tuple[int, ...]] = {
    "train": (251, 404, 318, 155, 2401, 123, 149, 2040),
    "validation": (328, 495, 284, 233, 1022, 29, 72, 1031),
    "test": (732, 955, 1142, 3167, 2609, 325, 406, 2900),
}
_SUBSETS: dict[str, Split] = {"training": "train", "validation": "validation", "test": "test"}
_NAME = re.compile(r"Medley-solos-DB_(training|validation|test)-([0-7])_([0-9a-f-]{36})\.wav")


def medley_solos_db(root: Path) -> list[Example]:
    """Read the data set from its metadata CSV and its file names.

    Args:
        root: the folder that holds the files, or a folder `Medley-solos-DB` with them; the metadata CSV
            (`Medley-solos-DB_metadata.csv`) is looked for beside either. Without it, the file is its own group.

    Returns:
        All eight classes, in the order of the file names. The group is the song.

    Raises:
        SonotypeError: `invalid_request`; files are missing, or the counts are not those of version 1.2.
    """
    files = sorted(path for path in root.rglob("Medley-solos-DB_*.wav") if _NAME.fullmatch(path.name))
    songs = _songs(root)
    examples = [_example(path, songs) for path in files]
    _check(examples)
    return examples


def _example(path: Path, songs: dict[str, str]) -> Example:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise SonotypeError(Code.INVALID_REQUEST, f"{path.name[:80]!r} is not a file of Medley-solos-DB.")
    split, uuid = _SUBSETS[match[1]], match[3]
    source = "solosdb" if split == "test" else "medleydb"
    song = songs.get(uuid, uuid)
    return Example(path, (LABELS[int(match[2])],), split, source, f"{source}/{song}", LICENCE)


def _songs(root: Path) -> dict[str, str]:
    """The song of every clip, by the clip's UUID."""
    path = next(
        (p for p in (root / METADATA, root.parent / METADATA, *root.glob(f"*/{METADATA}")) if p.is_file()), None
    )
    if path is None:
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    try:
        return {row["uuid4"]: row["song_id"] for row in rows}
    except KeyError as error:
        raise SonotypeError(Code.INVALID_REQUEST, f"{METADATA} has no column {error}.") from error


def _check(examples: list[Example]) -> None:
    counts = Counter((example.split, example.labels[0]) for example in examples)
    for split, numbers in COUNTS.items():
        for label, expected in zip(LABELS, numbers, strict=True):
            found = counts[split, label]
            if found != expected:
                detail = f"Medley-solos-DB 1.2 has {expected} {split} files of {label!r}, this folder has {found}."
                raise SonotypeError(Code.INVALID_REQUEST, detail)
