"""Embedded examples as arrays of the prototypes' space: what every step of the training works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.training.data.dataset import Split
from sonotype.training.embed import Embedded


@dataclass(frozen=True, slots=True)
class Normaliser:
    """z = (x - mean) / scale, both of shape [D]."""

    mean: Floats
    scale: Floats

    def apply(self, vectors: Floats) -> Floats:
        """Map embeddings [N, D] to the prototypes' space."""
        return np.asarray((vectors - self.mean) / self.scale, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Corpus:
    """N segments of F files with C classes.

    Attributes:
        points: embeddings, normalised, shape [N, D].
        file: which file each segment belongs to, ascending, shape [N].
        truth: which classes each file has, shape [F, C].
        groups: of the files; files of a group are not independent, shape [F].
    """

    points: Floats
    file: NDArray[np.int64]
    truth: NDArray[np.bool_]
    groups: tuple[str, ...] = ()

    @property
    def segment_truth(self) -> NDArray[np.bool_]:
        """Which classes each segment has, shape [N, C]."""
        return np.asarray(self.truth[self.file])

    def pool(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Mean scores of each file over its segments, shape [F, C], from scores [N, C]."""
        sums = np.zeros((len(self.truth), scores.shape[1]))
        np.add.at(sums, self.file, scores)
        return np.asarray(sums / np.bincount(self.file, minlength=len(self.truth))[:, None])


def labels_of(embedded: Embedded) -> tuple[str, ...]:
    """Every label, sorted."""
    return tuple(sorted({label for example in embedded.examples for label in example.labels}))


def fit_normaliser(vectors: Floats, kind: Literal["zscore", "two-sigma"]) -> Normaliser:
    """Fit the normalisation on training vectors [N, D].

    `two-sigma` is that of the published code: the mean of the vectors' means, twice the mean of their deviations.
    """
    dim = vectors.shape[1]
    if kind == "two-sigma":
        mean, scale = vectors.mean(), 2.0 * vectors.std(axis=1).mean()
        return Normaliser(np.full(dim, mean, dtype=np.float32), np.full(dim, max(scale, 1e-6), dtype=np.float32))
    deviation = vectors.std(axis=0, dtype=np.float64)
    # dimensions that hardly move would be blown up
    floor = max(0.05 * float(np.median(deviation)), 1e-6)
    return Normaliser(
        vectors.mean(axis=0, dtype=np.float64).astype(np.float32), np.maximum(deviation, floor).astype(np.float32)
    )


def make_corpus(embedded: Embedded, split: Split, labels: Sequence[str], normaliser: Normaliser) -> Corpus:
    """The segments of one split."""
    part = embedded.part(lambda example: example.split == split)
    truth = np.array([[label in e.labels for label in labels] for e in part.examples], dtype=np.bool_)
    groups = tuple(e.group or str(e.path) for e in part.examples)
    return Corpus(normaliser.apply(part.vectors), part.example, truth.reshape(-1, len(labels)), groups)


def check_finite(embedded: Embedded) -> None:
    """Raise `invalid_request`, naming the file, where an embedding is not finite."""
    bad = ~np.isfinite(embedded.vectors).all(axis=1)
    if bad.any():
        name = embedded.examples[int(embedded.example[bad][0])].path.name
        raise SonotypeError(Code.INVALID_REQUEST, f"The embedding of {name} holds numbers that are not finite.")


def check_classes(embedded: Embedded, wanted: Sequence[str]) -> None:
    """Raise `invalid_request` where a class has no usable file left in train or validation."""
    for split in ("train", "validation"):
        present = {label for e in embedded.examples if e.split == split for label in e.labels}
        for label in wanted:
            if label not in present:
                lost = next((s for s in embedded.skipped if s.path.parent.name == label), None)
                lost = lost or next(iter(embedded.skipped), None)
                why = (
                    f" {len(embedded.skipped)} files were skipped, such as {lost.path.name}: {lost.reason}"
                    if lost
                    else ""
                )
                raise SonotypeError(Code.INVALID_REQUEST, f"Class {label!r} has no usable {split} example.{why}")
