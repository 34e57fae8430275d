"""What a track keeps of the answers of the models: the strongest labels and the prototypes that spoke for them."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

import numpy as np

from sonotype.catalog.track import TrackEvidence, TrackLabel
from sonotype.core.types import Floats, ModelResult, Reasons
from sonotype.plane.heads import Head, PrototypeModel, TransferModel

MIN_SCORE = 0.05
MOST = 16

Description = tuple[tuple[TrackLabel, ...], tuple[TrackEvidence, ...]]


def describe(results: Iterable[ModelResult]) -> Description:
    """Labels and evidence of every model, at most 16 of each per model, best first.

    The values of a regression are no labels: they have no bounds, and filters compare scores.
    """
    labels: list[TrackLabel] = []
    evidence: list[TrackEvidence] = []
    for result in results:
        if result.task == "regression":
            continue
        labels += strongest_labels(result.model, result.labels, result.tags)
        if result.reasons is not None:
            evidence += strongest_evidence(result.model, result.labels, result.reasons)
    return _best_first(labels, evidence)


def describe_embedding(heads: Iterable[Head], embedding: Floats) -> Description:
    """The same from the embedding [D] of a whole track, by the heads that read it.

    The embedding of a track is the mean over its patches, and heads judge patches: the scores and shares are near to
    those of an upload, not equal.
    """
    labels: list[TrackLabel] = []
    evidence: list[TrackEvidence] = []
    for head in heads:
        model, names = head.card.address, head.card.labels
        if isinstance(head, PrototypeModel):
            reasons = head.classifier.explain(embedding[None])
            labels += strongest_labels(model, names, head.classifier.probabilities(reasons.logits))
            evidence += strongest_evidence(model, names, reasons)
        elif isinstance(head, TransferModel) and head.task != "regression":
            labels += strongest_labels(model, names, head.classifier.predict(embedding[None])[0])
    return _best_first(labels, evidence)


def strongest_labels(model: str, labels: tuple[str, ...], scores: Floats) -> list[TrackLabel]:
    """The labels of one model with a score that says something."""
    order = [int(i) for i in np.argsort(-scores, kind="stable")[:MOST] if scores[i] >= MIN_SCORE]
    return [TrackLabel(model, labels[i], float(scores[i])) for i in order]


def strongest_evidence(model: str, labels: tuple[str, ...], reasons: Reasons) -> list[TrackEvidence]:
    """The prototypes of one model that speak most for the class that they stand for."""
    shares = reasons.evidence[reasons.owners, np.arange(len(reasons.owners))]
    order = [int(j) for j in np.argsort(-shares, kind="stable")[:MOST] if shares[j] > 0]
    return [TrackEvidence(model, reasons.prototypes[j], labels[reasons.owners[j]], float(shares[j])) for j in order]


def _best_first(labels: list[TrackLabel], evidence: list[TrackEvidence]) -> Description:
    by_score = sorted(labels, key=attrgetter("score"), reverse=True)
    return tuple(by_score), tuple(sorted(evidence, key=attrgetter("share"), reverse=True))
