"""What this deployment serves: the networks that workers load, and the heads that stand on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import AnyCard, AnyHeadCard, Card
from sonotype.models.registry import Registry
from sonotype.plane.choices import Choices
from sonotype.plane.heads import Head, PrototypeModel, load_head
from sonotype.plane.licensing import allowed, check_licence
from sonotype.plane.soundness import check_weights, sound

Model = Card | Head


def card_of(model: Model) -> AnyCard:
    """The card of a served model."""
    return model.card if isinstance(model, Head) else model


@dataclass(frozen=True, slots=True)
class Deployment:
    """The models that are served.

    Attributes:
        networks: by name, in the order in which workers load them.
        heads: by name, of both kinds.
        default_model: name of the one that answers when none is asked for.
    """

    networks: Mapping[str, Card]
    heads: Mapping[str, Head]
    default_model: str

    @property
    def prototype_models(self) -> list[PrototypeModel]:
        """Those heads that decide by prototypes."""
        return [head for head in self.heads.values() if isinstance(head, PrototypeModel)]

    def served(self, name: str) -> Model | None:
        """The served model of a name, if it is served."""
        return self.networks.get(name) or self.heads.get(name)

    def version(self, name: str) -> str | None:
        """The version of a model that is served, if one is."""
        model = self.served(name)
        return None if model is None else card_of(model).version

    @property
    def models(self) -> dict[str, Model]:
        """Everything that is served, by name."""
        return {**self.networks, **self.heads}

    def standing_on(self, name: str) -> list[Head]:
        """The heads that read an embedding of a network."""
        return [head for head in self.heads.values() if head.backbone.name == name]


def choose_models(registry: Registry, settings: Settings, choices: Choices | None = None) -> Deployment:
    """The models to serve: those named, with the networks that heads stand on, or all that can be.

    A head that cannot be served is reported to the registry and left out, and so is a network that nobody named and
    whose weights have changed on disk. So is whatever was loaded while the service ran, if it cannot be served any
    more; what was unloaded is not served, except for the default model.

    Raises:
        SonotypeError: `model_not_found`; `forbidden` for a licence that does not allow this deployment;
            `weights_missing` with the command that helps; `weights_corrupt` for a network that is named.
    """
    named = [registry.find(name) for name in settings.models]
    for card in named:
        check_licence(registry, settings, card)
    _check_pulled(registry, named)
    networks = [card for card in named if isinstance(card, Card)]
    for card in networks:
        check_weights(registry, card)
    candidates = [card for card in named if not isinstance(card, Card)]
    choices = choices or Choices()
    others = set(choices.loaded) if named else {*registry.cards(), *registry.head_cards()}
    others -= {card.name for card in named}
    pulled = [card for name, card in registry.cards().items() if name in others and registry.is_pulled(card)]
    networks += sound(registry, allowed(registry, settings, pulled))
    candidates += allowed(registry, settings, [c for name, c in registry.head_cards().items() if name in others])
    unwanted = choices.unloaded - {settings.default_model}
    networks = [card for card in networks if card.name not in unwanted]
    wanted = [card for card in candidates if card.name not in unwanted]
    heads = _on_sound_backbones(registry, _load(registry, wanted), networks)
    cards = {card.name: card for card in [*networks, *(head.backbone for head in heads)]}
    if not cards:
        raise _missing(["--all"])
    names = [*cards, *(head.card.name for head in heads)]
    default = settings.default_model if settings.default_model in names else names[0]
    return Deployment(cards, {head.card.name: head for head in heads}, default)


def _load(registry: Registry, cards: Iterable[AnyHeadCard]) -> Iterable[Head]:
    for card in cards:
        try:
            head = load_head(registry, card)
        except SonotypeError as error:
            registry.report(card.name, error.detail)
            continue
        for note in head.notes:
            registry.report(card.name, note)
        yield head


def _on_sound_backbones(registry: Registry, heads: Iterable[Head], networks: Iterable[Card]) -> list[Head]:
    """Heads whose network can be loaded; the others are reported and left out. `networks` have been hashed already."""
    found, whole = list(heads), {card.address for card in networks}
    others = {head.backbone.address: head.backbone for head in found if head.backbone.address not in whole}
    whole |= {card.address for card in sound(registry, others.values())}
    for head in found:
        if head.backbone.address not in whole:
            registry.report(head.card.name, f"the weights of its network {head.backbone.address} are damaged")
    return [head for head in found if head.backbone.address in whole]


def _check_pulled(registry: Registry, named: Iterable[AnyCard]) -> None:
    """Whoever names a model wants it: do not start without it."""
    cards = registry.cards()
    needed = {card.name if isinstance(card, Card) else card.backbone.model for card in named}
    missing = [name for name in sorted(needed) if name in cards and not registry.is_pulled(cards[name])]
    if missing:
        raise _missing(missing)


def _missing(names: list[str]) -> SonotypeError:
    return SonotypeError(Code.WEIGHTS_MISSING, f"No weights yet: run `sonotype models pull {' '.join(names)}` first.")
