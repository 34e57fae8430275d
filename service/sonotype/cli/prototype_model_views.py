"""How `sonotype models` shows prototype models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Group

from sonotype.cli.model_views import sheet
from sonotype.models.card import PrototypeCard
from sonotype.models.card_parts import DecoderSpec


def details(card: PrototypeCard, path: Path | None) -> Group:
    """Everything of a card that a user may want to read."""
    return sheet(card, _facts(card, path))


def _facts(card: PrototypeCard, path: Path | None) -> Iterator[tuple[str, str]]:
    yield "weights", str(path) if path else "missing: prototypes.safetensors does not lie beside the card"
    yield "sha256", card.weights.sha256
    yield "stands on", f"the embedding {card.backbone.embedding} of {card.backbone.model}"
    yield "licence", f"{card.licence.spdx}, {card.licence.holder} {card.licence.url}".strip()
    yield "decoder", "none: the prototypes cannot be heard" if card.decoder is None else _decoder(card.decoder)
    yield "classes", ", ".join(card.labels) + (" (several may apply)" if card.multilabel else "")


def _decoder(decoder: DecoderSpec) -> str:
    seconds = decoder.segment_samples / decoder.sample_rate_hz
    parameters = f"{decoder.n_parameters:,}".replace(",", " ")
    return (
        f"{decoder.family}, {parameters} parameters, {seconds:.1f} s at {decoder.sample_rate_hz} Hz, "
        f"{decoder.steps} steps, guidance {decoder.guidance:g}"
    )
