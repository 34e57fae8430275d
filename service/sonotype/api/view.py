"""What an answer shows of an analysis. Every face renders the same view, so that they cannot disagree."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from sonotype.api.neighbourhood import DecidedBy, view_neighbourhood
from sonotype.api.reasons import ReasonsView, view_reasons
from sonotype.core.errors import SonotypeError
from sonotype.core.types import Analysis, EmbeddingScope, Floats, ModelResult
from sonotype.models.card import AnyHeadCard, Card, HeadCard, TaggerCard
from sonotype.models.card_parts import EmbeddingSpec
from sonotype.models.grid import Grid, Preset, grid_of, presets_of
from sonotype.plane.plan import wanted_embeddings
from sonotype.plane.port import ModelInfo, Plane, pick_tags
from sonotype.plane.query import AnalyzeQuery

T = TypeVar("T")


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
    """One model's result as it is shown.

    Attributes:
        result: all of it.
        tags: the shown ones.
        timeline: where asked for.
        embeddings: those asked for.
        reasons: of a prototype model.
        groups: the group of each label where the model has groups.
        decided_by: of a tagger.
    """

    result: ModelResult
    tags: list[tuple[str, float]]
    timeline: TimelineView | None
    embeddings: tuple[EmbeddingView, ...]
    reasons: ReasonsView | None
    groups: Mapping[str, str] = field(default_factory=dict)
    decided_by: DecidedBy | None = None


@dataclass(frozen=True, slots=True)
class ModelView:
    """One model as it is shown.

    Attributes:
        info: its card and state.
        network: the card that says how audio is cut and which embeddings there are: its own, or for a head
            that of its backbone, as it is asked for the head; None where the backbone is not there.
        n_prototypes: of a served prototype model.
    """

    info: ModelInfo
    network: Card | None
    n_prototypes: int | None

    @property
    def embeddings(self) -> tuple[EmbeddingSpec, ...]:
        """What the model offers: its own embeddings, or its backbone's, the one it stands on first."""
        if self.network is None:
            return ()
        card = self.info.card
        first = None if isinstance(card, Card) else card.backbone.embedding
        return tuple(sorted(self.network.embeddings, key=lambda spec: first not in (None, spec.name)))

    @property
    def qualities(self) -> tuple[Preset, ...]:
        """What each quality leaves out of a patch; none where nothing can be."""
        return () if self.network is None else presets_of(self.network)

    @property
    def grid(self) -> Grid | None:
        """The grid of patches that counts are of."""
        return None if self.network is None else grid_of(self.network)

    @property
    def weights_sha256(self) -> str:
        """Hash that identifies the model's function."""
        card = self.info.card
        if isinstance(card, TaggerCard):
            return card.sha256
        return card.weights_sha256 if isinstance(card, Card) else card.weights.sha256


def view_model(plane: Plane, info: ModelInfo) -> ModelView:
    """Complete a model by what stands in its backbone's card."""
    if isinstance(info.card, Card):
        return ModelView(info, info.card, None)
    network = _backbone(plane, info.card)
    if isinstance(info.card, TaggerCard):
        return ModelView(info, network, None)
    if isinstance(info.card, HeadCard):
        return ModelView(info, network and _as_asked(network, info.card), None)
    n_prototypes = len(plane.prototypes(info.card.address)) if info.served else None
    return ModelView(info, network, n_prototypes)


def _as_asked(network: Card, head: HeadCard) -> Card:
    """The backbone with the front end and the hop that `head` wants as its defaults."""
    default = head.frontend if head.frontend in network.frontends else network.default_frontend
    frontends = {default: network.frontends[default]} | network.frontends
    spec, patch = frontends[default], network.patch
    if head.hop_s is not None:
        patch = patch.model_copy(update={"hop_frames": round(head.hop_s * spec.sample_rate_hz / spec.hop_length)})
    return network.model_copy(update={"frontends": frontends, "patch": patch})


def _backbone(plane: Plane, card: AnyHeadCard | TaggerCard) -> Card | None:
    try:
        found = plane.model(card.backbone.model).card
    except SonotypeError:
        return None
    return found if isinstance(found, Card) else None


def view(plane: Plane, analysis: Analysis, query: AnalyzeQuery) -> list[ResultView]:
    """Pick from an analysis what the query asked to see."""
    return [_view_result(plane, result, query) for result in analysis.results]


async def rendered(query: AnalyzeQuery, render: Callable[[], T]) -> T:
    """Run `render`, which makes an answer; in a thread where the answer may have a row per patch.

    Hours of patches times many prototypes take half a second, for which other requests should not wait.
    """
    if query.timeline or query.embedding_scope == "patches":
        return await asyncio.to_thread(render)
    return render()


def _view_result(plane: Plane, result: ModelResult, query: AnalyzeQuery) -> ResultView:
    tags = pick_tags(result.labels, result.tags.tolist(), query.top_k, query.threshold, result.task)
    timeline = _timeline(result, tuple(label for label, _ in tags)) if query.timeline else None
    names = wanted_embeddings(plane.model(result.model).card, query.embeddings) if query.embeddings else ()
    source = result.embeddings if query.embedding_scope == "clip" else result.patch_embeddings
    embeddings = tuple(EmbeddingView(name, query.embedding_scope, source[name]) for name in dict.fromkeys(names))
    shown = [label for label, _ in tags]
    reasons = view_reasons(plane, result, shown, query.reasons_top_k, query.timeline)
    decided_by = view_neighbourhood(result, shown, query.reasons_top_k)
    return ResultView(result, tags, timeline, embeddings, reasons, _groups(plane, result.model), decided_by)


def _groups(plane: Plane, address: str) -> dict[str, str]:
    """The group of each label; none where the model has none, or is no longer there."""
    try:
        card = plane.model(address).card
    except SonotypeError:
        return {}
    groups = card.groups if isinstance(card, Card) else {}
    return {label: name for name, labels in groups.items() for label in labels}


def _timeline(result: ModelResult, labels: tuple[str, ...]) -> TimelineView:
    column = {label: index for index, label in enumerate(result.labels)}
    columns = np.array([column[label] for label in labels], dtype=np.intp)
    return TimelineView(result.starts_s, labels, result.taggram[:, columns])
