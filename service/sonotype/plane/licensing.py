"""What a commercial deployment may serve: never a model whose licence forbids that, nor a head that stands on one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import AnyCard, Card
from sonotype.models.registry import Registry

C = TypeVar("C", bound=AnyCard)


def objection(registry: Registry, settings: Settings, card: AnyCard) -> str | None:
    """Why this deployment may not serve a model, as a sentence; None where it may.

    A head falls with its backbone: its numbers are the backbone's, put another way.
    """
    if not settings.commercial:
        return None
    for stone in (card, _backbone(registry, card)):
        if stone is not None and not stone.licence.commercial:
            return _sentence(card, stone)
    return None


def check_licence(registry: Registry, settings: Settings, card: AnyCard) -> None:
    """Refuse a model that somebody names, at the start or while the service runs.

    Raises:
        SonotypeError: `forbidden` in a commercial deployment, see `objection`.
    """
    reason = objection(registry, settings, card)
    if reason is not None:
        raise SonotypeError(Code.FORBIDDEN, reason)


def allowed(registry: Registry, settings: Settings, cards: Iterable[C]) -> list[C]:
    """The cards that this deployment may serve; the others are reported to the registry and left out."""
    kept = []
    for card in cards:
        reason = objection(registry, settings, card)
        if reason is None:
            kept.append(card)
        else:
            registry.report(card.name, reason)
    return kept


def _backbone(registry: Registry, card: AnyCard) -> Card | None:
    return None if isinstance(card, Card) else registry.cards().get(card.backbone.model)


def _sentence(card: AnyCard, stone: AnyCard) -> str:
    terms = f"is under {stone.licence.spdx}, not for commercial use"
    if stone is card:
        return f"{card.name} {terms}, and this deployment is commercial."
    return f"{card.name} stands on {stone.name}, which {terms}, and this deployment is commercial."
