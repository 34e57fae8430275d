"""From a folder or a manifest to examples with splits."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.data.dataset import Example, Split, read_manifest

VALIDATION_SHARE, TEST_SHARE = 0.2, 0.2


def read_examples(
    path: Path, *, seed: int = 0, multilabel: bool = False, option: str = "--multilabel"
) -> list[Example]:
    """Read a manifest, or a folder with one sub-folder of audio files per class, and split what is not split yet.

    Args:
        path: a CSV (see `read_manifest`) or a folder.
        seed: of the splits.
        multilabel: whether an example may have several labels or be in a data set of one label.
        option: what the caller's user says to get `multilabel`, for the error.

    Raises:
        SonotypeError: `invalid_request` where nothing, one class only, or a class with one example is found, and
            for several labels of one example unless `multilabel`.
    """
    examples = _from_folder(path) if path.is_dir() else read_manifest(path)
    check(examples, multilabel=multilabel, option=option)
    return with_splits(examples, seed)


def check(examples: Sequence[Example], *, multilabel: bool, option: str = "--multilabel") -> None:
    """Raise `invalid_request` for data that nothing can be learned from; see `read_examples`."""
    counts: dict[str, int] = defaultdict(int)
    for example in examples:
        for label in example.labels:
            counts[label] += 1
        if len(example.labels) > 1 and not multilabel:
            raise _refused(f"{example.path.name} has several labels; {option} allows that.")
    if not counts:
        raise _refused("There are no examples: a folder needs one sub-folder of audio files per class.")
    if len(counts) < 2 and not multilabel:
        raise _refused(f"There is only one class, {next(iter(counts))!r}; two are needed to tell them apart.")
    lonely = sorted(label for label, count in counts.items() if count < 2)
    if lonely:
        raise _refused(f"A class needs at least two examples; {lonely[0]!r} has one.")


def with_splits(examples: Sequence[Example], seed: int = 0) -> list[Example]:
    """Make the splits that are missing, at random within each class, whole groups at a time.

    Without any split, about 60 % train, 20 % validate and 20 % test, as far as a class has enough groups; with train
    and test, validation is cut out of train. Examples without a group are their own.
    """
    present = {example.split for example in examples}
    if "validation" in present:
        return list(examples)
    test_share = 0.0 if "test" in present else TEST_SHARE
    chosen = _assign([e for e in examples if e.split == "train"], test_share, seed)
    return [replace(e, split=chosen[_group(e)]) if e.split == "train" else e for e in examples]


def _assign(examples: Sequence[Example], test_share: float, seed: int) -> dict[str, Split]:
    """The split of every group; classes with few groups come first, so that each gets its share."""
    groups: dict[str, list[str]] = defaultdict(list)
    for example in examples:
        for label in example.labels:
            if _group(example) not in groups[label]:
                groups[label].append(_group(example))
    random = np.random.default_rng(seed)
    chosen: dict[str, Split] = {}
    for _, names in sorted(groups.items(), key=lambda item: (len(item[1]), item[0])):
        order = [names[i] for i in random.permutation(len(names))]
        wanted: dict[Split, int] = {
            "validation": _share(len(names), VALIDATION_SHARE, spare=1),
            "test": _share(len(names), test_share, spare=2),
        }
        for split, count in wanted.items():
            missing = count - sum(chosen.get(name) == split for name in order)
            for name in [name for name in order if name not in chosen][: max(0, missing)]:
                chosen[name] = split
        for name in order:
            chosen.setdefault(name, "train")
    return chosen


def _share(count: int, share: float, spare: int) -> int:
    """A share of `count` groups, at least one, but only where more than `spare` groups are there."""
    return math.ceil(share * count) if share and count > spare else 0


def _group(example: Example) -> str:
    return example.group or str(example.path)


def _from_folder(folder: Path) -> list[Example]:
    """One sub-folder per class; hidden files are passed over."""
    return [
        Example(path, (child.name,))
        for child in sorted(folder.iterdir())
        if child.is_dir() and not child.name.startswith(".")
        for path in sorted(child.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    ]


def _refused(detail: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, detail)
