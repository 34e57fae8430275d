"""Embedded examples as arrays: what every step of the training of a head works on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats, Task
from sonotype.training.data.dataset import Split
from sonotype.training.embed import Embedded
from sonotype.training.heads.targets import Values
from sonotype.training.prototypes.corpus import Normaliser, check_classes, check_finite, fit_normaliser

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """N patches of F files with C labels or values.

    Attributes:
        points: embeddings, standardised, shape [N, D].
        file: which file each patch belongs to, ascending, shape [N].
        targets: one or zero for labels, or the values, shape [F, C].
    """

    points: Floats
    file: NDArray[np.int64]
    targets: Numbers

    @property
    def n_patches(self) -> NDArray[np.int64]:
        """Patches of every file, shape [F]."""
        return np.asarray(np.bincount(self.file, minlength=len(self.targets)))

    def pool(self, rows: NDArray[np.floating]) -> Numbers:
        """Mean of every file over its patches, shape [F, C], from rows [N, C]."""
        sums = np.zeros((len(self.targets), rows.shape[1]))
        np.add.at(sums, self.file, rows)
        return np.asarray(sums / self.n_patches[:, None])


@dataclass(frozen=True, slots=True)
class Corpus:
    """The data of a study, standardised by its training patches; `test` is None where there are no such files."""

    task: Task
    labels: tuple[str, ...]
    normaliser: Normaliser
    train: Part
    validation: Part
    test: Part | None


def make_corpus(task: Task, labels: tuple[str, ...], embedded: Embedded, values: Values | None = None) -> Corpus:
    """Standardise and split embedded examples.

    Args:
        task: what is learned.
        labels: the classes that there must be, or the names of the values.
        embedded: of all splits.
        values: of a regression.

    Raises:
        SonotypeError: `invalid_request` for embeddings that are not finite, a class or a split that has lost all its
            files, or values that are all the same.
    """
    check_finite(embedded)
    if values is None:
        check_classes(embedded, labels)
    for split in ("train", "validation"):
        if not any(example.split == split for example in embedded.examples):
            raise SonotypeError(Code.INVALID_REQUEST, f"No usable {split} file is left.")
    normaliser = fit_normaliser(embedded.part(lambda e: e.split == "train").vectors, "zscore")
    train = _part(embedded, "train", labels, normaliser, values)
    flat = [name for name, spread in zip(labels, train.targets.std(axis=0), strict=True) if spread == 0]
    if values is not None and flat:
        raise SonotypeError(Code.INVALID_REQUEST, f"{flat[0]!r} has the same value in every training file.")
    has_test = any(example.split == "test" for example in embedded.examples)
    test = _part(embedded, "test", labels, normaliser, values) if has_test else None
    return Corpus(task, labels, normaliser, train, _part(embedded, "validation", labels, normaliser, values), test)


def _part(
    embedded: Embedded, split: Split, labels: tuple[str, ...], normaliser: Normaliser, values: Values | None
) -> Part:
    part = embedded.part(lambda example: example.split == split)
    rows = [[label in e.labels for label in labels] if values is None else values[e] for e in part.examples]
    return Part(normaliser.apply(part.vectors), part.example, np.array(rows, dtype=np.float64))
