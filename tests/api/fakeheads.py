"""The transfer heads of the fake plane: one of classes, one of values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sonotype.core.types import ModelResult, Task
from sonotype.models.card import Card, HeadCard
from sonotype.models.card_parts import BackboneSpec, LayerSpec, LicenceSpec, WeightsSpec


def head_cards(backbone: Card) -> dict[str, HeadCard]:
    mood = _card(backbone, "mood", "multiclass", ("happy", "not happy"), positive="happy", hop_s=0.5, frontend="zero")
    return {"mood": mood, "valence": _card(backbone, "valence", "regression", ("valence", "arousal"))}


def judged(card: HeadCard, backbone: ModelResult) -> ModelResult:
    """What the head makes of the backbone's answer: values that are neither sorted nor between 0 and 1."""
    taggram = backbone.taggram[:, : len(card.labels)]
    taggram = 20 * taggram - 30 if card.task == "regression" else taggram / taggram.sum(axis=1, keepdims=True)
    if card.task == "regression":
        taggram = taggram + np.array([0, 25], dtype=np.float32)
    return replace(
        backbone,
        model=card.address,
        model_sha256=card.weights.sha256,
        labels=card.labels,
        tags=taggram.mean(axis=0),
        taggram=taggram,
        task=card.task,
    )


def _card(backbone: Card, name: str, task: Task, labels: tuple[str, ...], **fields: object) -> HeadCard:
    return HeadCard(
        card_schema=1,
        kind="head",
        name=name,
        version="1",
        title=f"Fake {name}",
        description="A head for tests.",
        task=task,
        labels=labels,
        backbone=BackboneSpec(model=backbone.name, embedding=backbone.embeddings[-1].name, sha256="a" * 64),
        layers=(LayerSpec(units=7, activation="relu"), LayerSpec(units=len(labels))),
        temperature=1.5,
        weights=WeightsSpec(sha256="c" * 64, n_parameters=99),
        licence=LicenceSpec(spdx="Apache-2.0", commercial=True, holder="nobody"),
        **fields,  # type: ignore[arg-type]
    )
