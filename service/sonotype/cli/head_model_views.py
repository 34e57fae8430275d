"""How `sonotype models` shows transfer heads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Group

from sonotype.cli.model_views import sheet
from sonotype.models.card import HeadCard

_APPLY = {"multiclass": "one applies", "multilabel": "several may apply", "regression": "values without bounds"}


def details(card: HeadCard, path: Path | None) -> Group:
    """Everything of a card that a user may want to read."""
    return sheet(card, _facts(card, path))


def _facts(card: HeadCard, path: Path | None) -> Iterator[tuple[str, str]]:
    yield "weights", str(path) if path else "missing: head.safetensors does not lie beside the card"
    yield "sha256", card.weights.sha256
    yield "stands on", f"the embedding {card.backbone.embedding} of {card.backbone.model}"
    if card.frontend is not None:
        yield "front end", card.frontend
    if card.hop_s is not None:
        yield "hop", f"{card.hop_s:g} s"
    yield "layers", ", ".join(f"{layer.units} {layer.activation}" for layer in card.layers)
    if card.task != "regression":
        yield "temperature", f"{card.temperature:.3g}"
    yield "licence", f"{card.licence.spdx}, {card.licence.holder} {card.licence.url}".strip()
    yield "labels", f"{', '.join(card.labels)} ({_APPLY[card.task]})"
    if card.positive is not None:
        yield "positive", card.positive
