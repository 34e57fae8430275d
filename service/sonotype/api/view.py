"""What an answer shows of an analysis. Every face renders the same view, so that they cannot disagree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sonotype.core.types import Analysis, EmbeddingScope, Floats, ModelResult
from sonotype.plane.plan import wanted_embeddings
from sonotype.plane.port import Plane, pick_tags
from sonotype.plane.query import AnalyzeQuery


@dataclass(frozen=True, slots=True)
class TimelineView:
    """The taggram of the shown tags: `scores` has the shape [n_patches, n_shown]."""

    starts_s: Floats
    labels: tuple[str, ...]
    scores: Floats


@dataclass(frozen=True, slots=True)
class EmbeddingView:
    """One embedding: `values` has the shape [dim] for a clip, [n_patches, dim] for patches."""

    name: str
    scope: EmbeddingScope
    values: Floats


@dataclass(frozen=True, slots=True)
class ResultView:
    """One model's result as it is shown."""

    result: ModelResult
    tags: list[tuple[str, float]]
    timeline: TimelineView | None
    embeddings: tuple[EmbeddingView, ...]


def view(plane: Plane, analysis: Analysis, query: AnalyzeQuery) -> list[ResultView]:
    """Pick from an analysis what the query asked to see."""
    return [_view_result(plane, result, query) for result in analysis.results]


def _view_result(plane: Plane, result: ModelResult, query: AnalyzeQuery) -> ResultView:
    tags = pick_tags(result.labels, result.tags.tolist(), query.top_k, query.threshold)
    timeline = _timeline(result, tuple(label for label, _ in tags)) if query.timeline else None
    names = wanted_embeddings(plane.model(result.model).card, query.embeddings) if query.embeddings else ()
    source = result.embeddings if query.embedding_scope == "clip" else result.patch_embeddings
    embeddings = tuple(EmbeddingView(name, query.embedding_scope, source[name]) for name in dict.fromkeys(names))
    return ResultView(result, tags, timeline, embeddings)


def _timeline(result: ModelResult, labels: tuple[str, ...]) -> TimelineView:
    column = {label: index for index, label in enumerate(result.labels)}
    columns = np.array([column[label] for label in labels], dtype=np.intp)
    return TimelineView(result.starts_s, labels, result.taggram[:, columns])
