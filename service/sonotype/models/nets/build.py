"""From a card to a network, and from a safetensors file to its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import nn

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.card import Card
from sonotype.models.encodecmae.served import ServedEmbedder
from sonotype.models.nets.maest import MAEST
from sonotype.models.nets.musicnn import MusiCNN
from sonotype.models.nets.vgg import VGG
from sonotype.models.weights import store

FAMILIES: dict[str, Callable[..., nn.Module]] = {
    "musicnn": MusiCNN,
    "vgg": VGG,
    "maest": MAEST,
    "encodecmae": ServedEmbedder,
}


def build(card: Card) -> nn.Module:
    """Make the card's network, with random parameters, in evaluation mode.

    Raises:
        ValueError: no such family.
    """
    family = FAMILIES.get(card.network.family)
    if family is None:
        raise ValueError(f"{card.address}: no network family {card.network.family!r}")
    return family(n_labels=len(card.labels), **card.network.options).eval()


def load_parameters(net: nn.Module, arrays: Mapping[str, Floats]) -> None:
    """Copy converted parameters into a network; every name must match, both ways.

    Raises:
        ValueError: a parameter is missing, unknown or of another shape.
    """
    # a counter for training only, which no published checkpoint holds; a tensor under two names is stored once
    further = dict(net.named_parameters(remove_duplicate=False)).keys() - dict(net.named_parameters()).keys()
    wanted = {name for name in net.state_dict() if not name.endswith("num_batches_tracked")} - further
    if wanted != set(arrays):
        raise ValueError(f"parameters do not match: {sorted(wanted ^ set(arrays))}")
    try:
        net.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()}, strict=False)
    except RuntimeError as error:
        raise ValueError(f"parameters do not fit: {error}") from error


def build_with_weights(card: Card, weights: Path) -> nn.Module:
    """Make the card's network with the parameters of a safetensors file, whose hash is checked.

    Raises:
        SonotypeError: WEIGHTS_MISSING; WEIGHTS_CORRUPT when the file is not the card's or not this network's.
    """
    net = build(card)
    try:
        load_parameters(net, store.read(card, weights))
    except ValueError as error:
        detail = f"The weights of {card.address} do not fit its network."
        raise SonotypeError(Code.WEIGHTS_CORRUPT, detail) from error
    return net
