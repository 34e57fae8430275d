"""Whether weights are still those of their cards: one damaged file must not keep the other models from being served."""

from __future__ import annotations

from collections.abc import Iterable

from sonotype.core.errors import SonotypeError
from sonotype.models.card import AnyCard, Card
from sonotype.models.registry import Registry
from sonotype.models.weights.base import corrupt, sha256_of


def check_weights(registry: Registry, card: AnyCard) -> None:
    """Hash the weights of a model; weights that are missing are another matter.

    Raises:
        SonotypeError: `weights_corrupt` where they are not those of the card, or cannot be read.
    """
    path = registry.weights_path(card)
    if path is None:
        return
    try:
        sha256 = sha256_of(path)
    except OSError as error:
        raise corrupt(f"The weights of {card.address} cannot be read: {error.strerror}.") from error
    if sha256 != (card.weights_sha256 if isinstance(card, Card) else card.weights.sha256):
        raise corrupt(f"The weights of {card.address} have changed on disk; pull, train, import or copy them again.")


def sound(registry: Registry, cards: Iterable[Card]) -> list[Card]:
    """The networks whose weights are whole; the others are reported to the registry and left out."""
    kept = []
    for card in cards:
        try:
            check_weights(registry, card)
        except SonotypeError as error:
            registry.report(card.name, error.detail)
        else:
            kept.append(card)
    return kept
