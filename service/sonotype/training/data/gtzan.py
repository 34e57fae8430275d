"""Read GTZAN (Tzanetakis and Cook 2002) with either of the splits in use, for users who have it.

The two splits are not comparable: `pecmae` is by track number and lets artists be on both sides; `fault-filtered`
(Kereliuk, Sturm and Larsen 2015) leaves out faulty files and repeated artists. Only 853 files are in both.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Literal, cast, get_args

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.data.dataset import Example, Split

GtzanSplit = Literal["pecmae", "fault-filtered"]
GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
# duplicates and corrupt files (Sturm 2013) that the PECMAE split leaves out, by genre; its lists name reggae.00086 too,
# but as `reggae.99986`, a name that some copies have
DROPPED: dict[str, frozenset[int]] = {
    "blues": frozenset(),
    "classical": frozenset({*range(20, 27), 49}),
    "country": frozenset({2, 39}),
    "disco": frozenset({3, 11, 20, 23, 26, 27, 29, 34}),
    "hiphop": frozenset({3, 5, 26, 29, 31, 38, 40}),
    "jazz": frozenset({0, 1, 52, 54, 66}),
    "metal": frozenset({21, 29, 33, 46, 50, 51, 58, 59, 60, 71, 72, 73, 79, 84, 86, 97}),
    "pop": frozenset({9, 15, 21, 22, 61, 63, 65, 81}),
    "reggae": frozenset({52, 99}),
    "rock": frozenset({1, 2, 4, *range(10, 16), 27, 36, 38, 40, 47, 62, 63, *range(71, 79), 90}),
}
COUNTS: dict[GtzanSplit, dict[Split, int]] = {
    "pecmae": {"train": 732, "validation": 96, "test": 91},
    "fault-filtered": {"train": 443, "validation": 197, "test": 290},
}
LISTS: dict[Split, str] = {
    "train": "train_filtered.txt",
    "validation": "valid_filtered.txt",
    "test": "test_filtered.txt",
}
_BY_DIGIT: dict[int, Split] = {8: "validation", 9: "test"}
_ALIASES = {"reggae.00086": "reggae.99986"}
_NAME = re.compile(r"([a-z]+)\.(\d{5})")
_SUFFIXES = (".wav", ".au", ".mp3", ".flac")


def gtzan(root: Path, split: GtzanSplit = "pecmae", split_dir: Path | None = None) -> list[Example]:
    """Read the data set.

    Args:
        root: a folder with the files somewhere below, `<genre>.<number>.wav` (or .au, .mp3, .flac).
        split: `pecmae`, which the dropped numbers and the last digit define, or `fault-filtered`.
        split_dir: for `fault-filtered`, the folder of the three public lists (`train_filtered.txt`,
            `valid_filtered.txt`, `test_filtered.txt`).

    Returns:
        Examples, sorted by genre and number within each split.

    Raises:
        SonotypeError: `invalid_request`; a list or a file is missing, or the counts are wrong.
    """
    names = _pecmae() if split == "pecmae" else _fault_filtered(split_dir)
    files = {path.stem: path for path in sorted(root.rglob("*.*")) if path.suffix.lower() in _SUFFIXES}
    examples = [_example(files, name, part) for part, members in names.items() for name in members]
    counts = Counter(example.split for example in examples)
    if dict(counts) != COUNTS[split]:
        raise _invalid(f"The split {split} has {_words(COUNTS[split])} files, these are {_words(dict(counts))}.")
    return examples


def known_split(name: str) -> GtzanSplit:
    """The split of that name, or `invalid_request`."""
    for split in get_args(GtzanSplit):
        if split == name:
            return cast(GtzanSplit, split)
    raise _invalid(f"GTZAN has the splits {' and '.join(get_args(GtzanSplit))}, not {name[:40]!r}.")


def _pecmae() -> dict[Split, list[str]]:
    """Numbers ending in 8 validate, in 9 test, all others train."""
    out: dict[Split, list[str]] = {"train": [], "validation": [], "test": []}
    for genre in GENRES:
        for number in range(100):
            if number not in DROPPED[genre]:
                out[_BY_DIGIT.get(number % 10, "train")].append(f"{genre}.{number:05d}")
    return out


def _fault_filtered(split_dir: Path | None) -> dict[Split, list[str]]:
    if split_dir is None:
        raise _invalid("The split fault-filtered needs --split-dir: the folder of its three public lists.")
    return {part: _list(split_dir / name) for part, name in LISTS.items()}


def _list(path: Path) -> list[str]:
    """Names in a list of paths such as `blues/blues.00029.wav`, one per line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid(f"The list {path.name} cannot be read.") from error
    names = []
    for line in filter(None, map(str.strip, lines)):
        match = _NAME.search(line)
        if match is None or match[1] not in GENRES:
            raise _invalid(f"{path.name}: {line[:60]!r} names no file of GTZAN.")
        names.append(match[0])
    return sorted(names)


def _example(files: dict[str, Path], name: str, split: Split) -> Example:
    path = files.get(name) or files.get(_ALIASES.get(name, ""))
    if path is None:
        raise _invalid(f"GTZAN lacks the file {name}.")
    return Example(path, (name.partition(".")[0],), split, "gtzan", name, "")


def _words(counts: dict[Split, int]) -> str:
    return " / ".join(str(counts.get(part, 0)) for part in LISTS)


def _invalid(detail: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, detail)
