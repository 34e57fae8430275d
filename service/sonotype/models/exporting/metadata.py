"""What an exported file says about itself: whose it is, what it takes and what its numbers mean."""

from __future__ import annotations

import json

from sonotype.models.card import Card, HeadCard
from sonotype.models.card_parts import FrontendSpec


def of_network(
    card: Card, frontend: FrontendSpec, frontend_name: str, *, samples: bool, quality: str
) -> dict[str, str]:
    """Properties of a network's file; all values are text, lists and numbers as JSON."""
    found = _common(card, card.weights_sha256)
    found |= {
        "sonotype.frontend": frontend.model_dump_json(),
        "sonotype.frontend_name": frontend_name,
        "sonotype.frontend_inside": json.dumps(samples),
        "sonotype.sample_rate_hz": str(frontend.sample_rate_hz),
        "sonotype.lead_samples": str(frontend.lead),
        "sonotype.patch_frames": str(card.patch.frames),
        "sonotype.patch_samples": str(frontend.window_samples(card.patch.frames)),
        "sonotype.patch_hop_frames": str(card.patch.hop_frames),
        "sonotype.quality": quality,
    }
    return found


def of_head(card: HeadCard) -> dict[str, str]:
    """Properties of a head's file, or of the head in a file with its backbone."""
    found = _common(card, card.weights.sha256)
    return found | {
        "sonotype.task": card.task,
        "sonotype.backbone": card.backbone.model,
        "sonotype.backbone_sha256": card.backbone.sha256,
        "sonotype.embedding": card.backbone.embedding,
    }


def with_backbone(head: dict[str, str], network: dict[str, str]) -> dict[str, str]:
    """Properties of a head and its backbone in one file: the head's, and what is the network's beside them."""
    below = {key.replace("sonotype.", "sonotype.backbone_", 1): value for key, value in network.items()}
    shared = {key: value for key, value in network.items() if key not in head and not key.startswith("sonotype.lic")}
    return shared | below | head


def _common(card: Card | HeadCard, sha256: str) -> dict[str, str]:
    licence = card.licence
    return {
        "sonotype.model": card.address,
        "sonotype.title": card.title,
        "sonotype.description": card.description.strip(),
        "sonotype.weights_sha256": sha256,
        "sonotype.labels": json.dumps(card.labels, ensure_ascii=False),
        "sonotype.licence": licence.spdx,
        "sonotype.licence_commercial": json.dumps(licence.commercial),
        "sonotype.licence_holder": licence.holder,
        "sonotype.licence_url": licence.url,
        "sonotype.citation": card.citation.strip(),
    }
