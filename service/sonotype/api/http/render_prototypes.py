"""From views of prototypes to JSON; `schemas_prototypes` says the same for OpenAPI."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from pydantic import BaseModel

from sonotype.api.prototypes import PrototypeView, badge_of, offered_url, rendering_url
from sonotype.core.types import Floats
from sonotype.models.card import PrototypeCard
from sonotype.models.heads.provenance import Badge, PrototypeRecord
from sonotype.plane.sonification import PrototypeInfo, Rendering

# A score of a float32 network means nothing beyond this.
DECIMALS = 6


def prototypes_body(shown: Iterable[PrototypeView]) -> dict[str, Any]:
    """The body of `/v1/prototypes`."""
    return {"prototypes": [_summary(view) for view in shown]}


def prototype_body(view: PrototypeView) -> dict[str, Any]:
    """The body of `/v1/prototypes/{id}`."""
    info, record = view.info, view.info.record
    return {
        "id": info.id,
        "model": info.model,
        "label": info.label,
        "verdict": view.verdict,
        "note": view.note,
        "audio_url": offered_url(info),
        "offered": None if info.offered is None else _rendering(info, info.offered),
        "renderings": [_rendering(info, rendering) for rendering in info.renderings],
        "badge": None if record is None else _plain(record.prototype),
        "decoded_medoid": None if record is None else _plain(record.decoded_medoid),
        "provenance": None if record is None else _provenance(record),
    }


def prototype_model_body(card: PrototypeCard, n_prototypes: int | None) -> dict[str, Any]:
    """What `/v1/models` says of a prototype model only."""
    decoder = card.decoder
    return {
        "backbone": card.backbone.model,
        "embedding": card.backbone.embedding,
        "n_prototypes": n_prototypes,
        "multilabel": card.multilabel,
        "temperature": card.temperature,
        "seeds": card.seeds,
        "decoder": decoder
        and {
            "family": decoder.family,
            "n_parameters": decoder.n_parameters,
            "sample_rate_hz": decoder.sample_rate_hz,
            "segment_s": round(decoder.segment_samples / decoder.sample_rate_hz, DECIMALS),
            "dim": decoder.dim,
            "steps": decoder.steps,
            "guidance": decoder.guidance,
            "sha256": decoder.sha256,
        },
    }


def rounded(values: Floats) -> list[Any]:
    """Nested lists of numbers, in double precision, or 0.1 would be written as 0.10000000149011612."""
    shown: list[Any] = np.round(values.astype(np.float64), DECIMALS).tolist()
    return shown


def _summary(view: PrototypeView) -> dict[str, Any]:
    info, record = view.info, view.info.record
    return {
        "id": info.id,
        "model": info.model,
        "label": info.label,
        "verdict": view.verdict,
        **heard(info),
        "badge": badge_summary(badge_of(info)),
        "purity": None if record is None else round(record.purity, DECIMALS),
        "share": None if record is None else round(record.share, DECIMALS),
    }


def heard(info: PrototypeInfo) -> dict[str, Any]:
    """What is offered for a prototype: where it is heard and what it is."""
    return {"audio_url": offered_url(info), "rendering": info.offered and info.offered.kind}


def badge_summary(badge: Badge | None) -> dict[str, Any] | None:
    """The badge in short."""
    return None if badge is None else {"passed": badge.passed, "failed": badge.failed}


def _rendering(info: PrototypeInfo, rendering: Rendering) -> dict[str, Any]:
    seed = None if rendering.kind == "segment" else rendering.seed
    return {"kind": rendering.kind, "seed": seed, "url": rendering_url(info, rendering)}


def _provenance(record: PrototypeRecord) -> dict[str, Any]:
    return {
        "medoid": _plain(record.medoid),
        "neighbours": [_plain(segment) for segment in record.neighbours],
        "purity": round(record.purity, DECIMALS),
        "share": round(record.share, DECIMALS),
    }


def _plain(value: BaseModel | None) -> dict[str, Any] | None:
    """A record as JSON takes it, its numbers shortened."""
    return None if value is None else {name: _shortened(field) for name, field in value.model_dump().items()}


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shortened(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [_shortened(part) for part in value]
    return round(value, DECIMALS) if isinstance(value, float) else value
