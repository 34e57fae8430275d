"""A deployment with one model more, less, or of another version. Nothing that is served is lost on the way."""

from __future__ import annotations

from dataclasses import replace

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import AnyHeadCard, Card
from sonotype.models.registry import Registry
from sonotype.plane.deployment import Deployment
from sonotype.plane.heads import Head, load_head
from sonotype.plane.licensing import check_licence, objection


def with_model(registry: Registry, settings: Settings, deployment: Deployment, name: str) -> Deployment:
    """Serve the version of a model that is current in the registry, instead of the one that is served now.

    Heads move along when their network changes: each stays if it was trained on the same weights, else its newest
    version that was takes its place.

    Raises:
        SonotypeError: `model_not_found`; `forbidden` for a licence that does not allow this deployment;
            `weights_missing` or `weights_corrupt`; `conflict` where a head would be left without its network.
    """
    card = registry.find(name)
    check_licence(registry, settings, card)
    known = deployment.served(name)
    if known is not None and isinstance(known, Card) is not isinstance(card, Card):
        raise _conflict(f"{card.address} is of another kind than the version that is served: unload {name} first.")
    if isinstance(card, Card):
        return _with_network(registry, settings, deployment, card)
    return _with_head(registry, deployment, card)


def without_model(deployment: Deployment, name: str) -> Deployment:
    """Serve a model no longer.

    Raises:
        SonotypeError: `conflict` for the default model and for a network that heads stand on.
    """
    if name == deployment.default_model:
        raise _conflict(f"{name} is the default model; it cannot be unloaded.")
    standing = [head.card.name for head in deployment.standing_on(name)]
    if standing:
        raise _conflict(f"{', '.join(standing)} stand on {name}: unload them first.")
    networks = {key: card for key, card in deployment.networks.items() if key != name}
    heads = {key: head for key, head in deployment.heads.items() if key != name}
    return replace(deployment, networks=networks, heads=heads)


def _with_network(registry: Registry, settings: Settings, deployment: Deployment, card: Card) -> Deployment:
    if not registry.is_pulled(card):
        detail = f"The weights of {card.address} are not here: run `sonotype models pull {card.name}` first."
        raise SonotypeError(Code.WEIGHTS_MISSING, detail)
    heads = dict(deployment.heads)
    for head in deployment.standing_on(card.name):
        heads[head.card.name] = _moved(registry, settings, head, card)
    return replace(deployment, networks={**deployment.networks, card.name: card}, heads=heads)


def _with_head(registry: Registry, deployment: Deployment, card: AnyHeadCard) -> Deployment:
    head = load_head(registry, card)
    network = head.backbone
    if deployment.networks.get(network.name, network) != network:
        raise _conflict(f"{card.address} stands on another version of {network.name} than the one that is served.")
    networks = {**deployment.networks, network.name: network}
    return replace(deployment, networks=networks, heads={**deployment.heads, card.name: head})


def _moved(registry: Registry, settings: Settings, head: Head, network: Card) -> Head:
    """The head on another version of its network: itself, or its newest version that fits and may be served."""
    versions = [card for card in registry.versions(head.card.name).values() if not isinstance(card, Card)]
    for card in (head.card, *reversed(versions)):
        fits = card.backbone.sha256 == network.weights_sha256
        if fits and objection(registry, settings, card) is None:
            return load_head(registry, card)
    detail = f"{head.card.name} was trained on other weights of {network.name} than version {network.version} has"
    raise _conflict(f"{detail}: train it on these, or unload it first.")


def _conflict(detail: str) -> SonotypeError:
    return SonotypeError(Code.CONFLICT, detail)
