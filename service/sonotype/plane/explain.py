"""The answer of a prototype model, from what its network said."""

from __future__ import annotations

from dataclasses import replace

from sonotype.core.types import ModelResult
from sonotype.plane.heads import Head


def explain(head: Head, network: ModelResult) -> ModelResult:
    """Classify a clip by the prototypes of `head`, with the evidence that decided.

    Args:
        head: the prototype model.
        network: the answer of its network, with the embeddings of every patch.

    Returns:
        The network's answer with the classes, probabilities (of the clip by its mean logits) and reasons of the head.
    """
    reasons = head.classifier.explain(network.patch_embeddings[head.embedding])
    return replace(
        network,
        model=head.card.address,
        model_sha256=head.card.weights.sha256,
        labels=head.card.labels,
        tags=head.classifier.probabilities(reasons.logits),
        taggram=head.classifier.probabilities(reasons.patch_logits),
        reasons=reasons,
    )
