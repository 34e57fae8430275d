"""What an answer shows of the prototypes and tracks that decided what a tagger says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sonotype.core.types import ModelResult, NearPrototype


@dataclass(frozen=True, slots=True)
class DecidedBy:
    """The prototypes that were asked, as they are shown.

    Attributes:
        near: nearest first.
        labels: each shown label with the share of its score that every one of `near` contributed.
        percentile: share of known tracks that lie nearer to their prototype, 0 to 1.
        far: far from anything known.
    """

    near: tuple[NearPrototype, ...]
    labels: tuple[tuple[str, tuple[float, ...]], ...]
    percentile: float | None
    far: bool


def view_neighbourhood(result: ModelResult, labels: Sequence[str], top_k: int | None) -> DecidedBy | None:
    """The nearest `top_k` prototypes (None: all) and their shares in `labels`; None where there are none to show."""
    found = result.neighbourhood
    if found is None or top_k == 0:
        return None
    near = found.near[:top_k]
    rows = (found.shares[result.labels.index(label), : len(near)].tolist() for label in labels)
    shares = tuple((label, tuple(row)) for label, row in zip(labels, rows, strict=True))
    return DecidedBy(near, shares, found.percentile, found.far)
