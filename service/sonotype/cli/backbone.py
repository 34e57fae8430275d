"""The network and the embedding that `model@embedding` names on the command line."""

from __future__ import annotations

from pathlib import Path

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import Card
from sonotype.models.registry import Registry
from sonotype.models.repository import repositories


def find_backbone(address: str) -> tuple[Card, str, Path | None]:
    """The card, the name of the embedding (the card's first where none is named) and the weights.

    Raises:
        SonotypeError: `model_not_found`; `invalid_request` for an embedding that the network does not offer;
            `weights_missing`.
    """
    settings = Settings()
    registry = Registry(repositories(settings), settings.weights_dir)
    model, _, embedding = address.partition("@")
    card = registry.get(model)
    names = [spec.name for spec in card.embeddings]
    embedding = embedding or next(iter(names), "")
    if embedding not in names:
        known = ", ".join(f"{model}@{name}" for name in names)
        raise SonotypeError(Code.INVALID_REQUEST, f"{model} has no embedding {embedding[:40]!r}; there are: {known}.")
    if not registry.is_pulled(card):
        raise SonotypeError(Code.WEIGHTS_MISSING, f"The weights of {model} are missing: sonotype models pull {model}.")
    return card, embedding, registry.weights_path(card)
