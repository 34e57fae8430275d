"""The answer of a head, from what its backbone said."""

from __future__ import annotations

from dataclasses import replace

from sonotype.core.types import ModelResult
from sonotype.models.card import PrototypeCard
from sonotype.models.heads.prototypes import PrototypeHead
from sonotype.models.heads.transfer import TransferHead
from sonotype.models.pooling import patch_weights, pooled


def by_prototypes(classifier: PrototypeHead, backbone: ModelResult) -> ModelResult:
    """Classify a clip by prototypes, with the evidence that decided.

    Args:
        classifier: the prototypes and their layer.
        backbone: the answer of the backbone, with the embeddings of every patch.

    Returns:
        The backbone's answer with the classes, probabilities (of the clip by its mean logits) and reasons of the head.
    """
    card: PrototypeCard = classifier.card
    weights = patch_weights(backbone.patches) if backbone.patches.overlap_s > 0 else None
    reasons = classifier.explain(backbone.patch_embeddings[card.backbone.embedding], weights)
    return replace(
        backbone,
        model=card.address,
        model_sha256=card.weights.sha256,
        labels=card.labels,
        tags=classifier.probabilities(reasons.logits),
        taggram=classifier.probabilities(reasons.patch_logits),
        reasons=reasons,
        task="multilabel" if card.multilabel else "multiclass",
    )


def by_layers(classifier: TransferHead, backbone: ModelResult) -> ModelResult:
    """Classify a clip, or predict its values, by a transfer head.

    Args:
        classifier: the layers.
        backbone: the answer of the backbone, with the embeddings of every patch.

    Returns:
        The backbone's answer with the labels and predictions of the head; those of the clip are the mean over patches,
        weighted as the backbone's own.
    """
    card = classifier.card
    predictions = classifier.predict(backbone.patch_embeddings[card.backbone.embedding])
    return replace(
        backbone,
        model=card.address,
        model_sha256=card.weights.sha256,
        labels=card.labels,
        tags=pooled(predictions, backbone.patches),
        taggram=predictions,
        task=card.task,
    )
