"""Where prototypes come from: their nearest real segments, and how much they are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonotype.models.heads.provenance import PrototypeRecord, Provenance, Segment

NEIGHBOURS = 5

Doubles = NDArray[np.float64]
_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Corpus:
    """The N training segments that prototypes are compared with.

    Attributes:
        points: embeddings in the normalised space of the prototypes, shape [N, D].
        labels: of each segment's file.
        files: name of each segment's file, another for every file (see `recordings.short_names`).
        offsets_s: where in its file each segment begins.
        sources: the collection of each.
        licences: of each.
    """

    points: NDArray[np.floating]
    labels: Sequence[tuple[str, ...]]
    files: Sequence[str]
    offsets_s: Sequence[float]
    sources: Sequence[str]
    licences: Sequence[str]

    def segment(self, index: int, label: str, distance: float) -> Segment:
        """One segment at a distance from a prototype of `label`; that label is shown where the file has several."""
        own = self.labels[index]
        return Segment(
            file=self.files[index],
            offset_s=round(float(self.offsets_s[index]), 3),
            label=label if label in own else own[0],
            source=self.sources[index],
            licence=self.licences[index],
            distance=round(distance, 4),
        )


def build_provenance(
    ids: Sequence[str],
    labels: Sequence[str],
    prototypes: NDArray[np.floating],
    *,
    gamma: NDArray[np.floating],
    corpus: Corpus,
    weights_sha256: str,
    neighbours: int = NEIGHBOURS,
    medoids: Sequence[int] | None = None,
) -> Provenance:
    """The provenance of a trained head, without badges.

    Args:
        ids: of the M prototypes.
        labels: of the M prototypes.
        prototypes: in the normalised space, shape [M, D].
        gamma: widths of their kernels, shape [M].
        corpus: the training segments.
        weights_sha256: of `prototypes.safetensors`.
        neighbours: how many to list; at most one of each file, so that they are different recordings.
        medoids: index of each prototype's medoid in the corpus; None takes the nearest segment of any label.
    """
    squared = squared_distances(prototypes, corpus.points)
    shares = share_of_segments(squared, labels, corpus.labels)
    order = np.argsort(squared, axis=1, kind="stable")
    records = []
    for j, (name, label) in enumerate(zip(ids, labels, strict=True)):
        near = distinct(order[j], corpus.files, neighbours)
        segments = tuple(corpus.segment(i, label, float(np.sqrt(squared[j, i]))) for i in near)
        medoid = near[0] if medoids is None else medoids[j]
        records.append(
            PrototypeRecord(
                id=name,
                label=label,
                medoid=corpus.segment(medoid, label, float(np.sqrt(squared[j, medoid]))),
                neighbours=segments,
                purity=float(np.mean([label in corpus.labels[i] for i in near])),
                share=round(float(shares[j]), 4),
            )
        )
    return Provenance(
        weights_sha256=weights_sha256,
        effective_rank=effective_rank(np.exp(-np.asarray(gamma)[:, None] * squared).T),
        collapsed=collapsed({record.id: (record.medoid.file, record.medoid.offset_s) for record in records}),
        prototypes=tuple(records),
    )


def squared_distances(prototypes: NDArray[np.floating], points: NDArray[np.floating]) -> Doubles:
    """Squared Euclidean distances [M, N] between prototypes [M, D] and points [N, D]."""
    p = np.asarray(prototypes, dtype=np.float64)
    squares = (p**2).sum(axis=1)[:, None]
    out = np.empty((len(p), len(points)))
    for start in range(0, len(points), _ROWS):
        x = np.asarray(points[start : start + _ROWS], dtype=np.float64)
        out[:, start : start + len(x)] = squares - 2.0 * p @ x.T + (x**2).sum(axis=1)
    return np.maximum(out, 0.0)


def distinct(order: NDArray[np.int64], files: Sequence[str], count: int) -> list[int]:
    """The first `count` of some segments in order of their distance, at most one of each file."""
    chosen: dict[str, int] = {}
    for index in order:
        chosen.setdefault(files[index], int(index))
        if len(chosen) == count:
            break
    return list(chosen.values())


def share_of_segments(squared: Doubles, labels: Sequence[str], segment_labels: Sequence[tuple[str, ...]]) -> Doubles:
    """For each prototype, the share of its label's segments that are nearer to it than to the label's others.

    Args:
        squared: distances [M, N].
        labels: of the prototypes.
        segment_labels: of the segments.

    Returns:
        Shape [M]; the shares of one label sum to 1, unless no segment carries it (then 0).
    """
    shares = np.zeros(len(labels))
    for label in set(labels):
        own = np.flatnonzero([other == label for other in labels])
        inside = np.flatnonzero([label in carried for carried in segment_labels])
        if len(inside):
            winners = own[squared[np.ix_(own, inside)].argmin(axis=0)]
            shares += np.bincount(winners, minlength=len(labels)) / len(inside)
    return shares


def effective_rank(matrix: NDArray[np.floating]) -> float:
    """Effective rank of a matrix: the exponential of the entropy of its normalised singular values.

    Roy & Vetterli 2007, "The effective rank: a measure of effective dimensionality" (EUSIPCO), definition 1. For the
    similarities [N, M] of segments and prototypes it lies between 1 (all prototypes say the same) and M.
    """
    values = np.linalg.svd(np.asarray(matrix, dtype=np.float64), compute_uv=False)
    total = values.sum()
    if total == 0.0:
        return 0.0
    p = values[values > 0] / total
    return float(np.exp(-(p * np.log(p)).sum()))


def collapsed(medoids: Mapping[str, tuple[str, float]]) -> tuple[tuple[str, ...], ...]:
    """Groups of prototypes whose nearest real segment (its file and offset) is the same."""
    groups: dict[tuple[str, float], list[str]] = {}
    for prototype, segment in medoids.items():
        groups.setdefault(segment, []).append(prototype)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
