"""What is measured: the published networks that are pulled, and MAEST of the published sizes with random weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from bench.maest.cards import make_card
from sonotype.core.settings import Settings
from sonotype.models.card import Card
from sonotype.models.card_parts import WeightsSpec
from sonotype.models.nets.build import build
from sonotype.models.registry import Registry
from sonotype.models.repository import repositories

PULLED = ("musicnn-msd", "vgg-msd", "musicnn-mtt", "vgg-mtt", "yamnet")
MAESTS = {"maest-10s": 62, "maest-30s": 187}
NAMES = (*PULLED, *MAESTS)
_N_LABELS, _GAINS = 400, ("norm.weight", "norm1.weight", "norm2.weight", "head.0.weight")


@dataclass(frozen=True, slots=True)
class Subject:
    """A network.

    Attributes:
        card: its card.
        weights: the file of its weights.
        patches: how many of them one turn computes.
    """

    card: Card
    weights: Path
    patches: int


def subjects(names: list[str], folder: Path) -> Iterator[Subject]:
    """The networks of these names that are here; random weights are written to `folder`."""
    settings = Settings()
    registry = Registry(repositories(settings), settings.weights_dir)
    for name in names:
        if name in MAESTS:
            yield random_maest(name, {"columns": MAESTS[name]}, folder)
            continue
        card = registry.get(name)
        weights = registry.weights_path(card)
        if weights is None or not registry.is_pulled(card):
            print(f"{name} is left out: sonotype models pull {name} fetches it", flush=True)
            continue
        yield Subject(card, weights, 16)


def random_maest(name: str, options: Mapping[str, Any], folder: Path) -> Subject:
    """A MAEST whose weights are drawn so that its scores spread over 0…1, as trained ones do."""
    card = make_card(name, [f"label {n}" for n in range(_N_LABELS)], options)
    net = build(card)
    _draw(net, torch.Generator().manual_seed(0))
    data = save({key: value.contiguous() for key, value in net.state_dict().items()})
    path = folder / f"{name}.safetensors"
    path.write_bytes(data)
    count = sum(parameter.numel() for parameter in net.parameters())
    weights = WeightsSpec(sha256=hashlib.sha256(data).hexdigest(), n_parameters=count)
    return Subject(card.model_copy(update={"weights": weights}), path, 1)


def _draw(net: nn.Module, random: torch.Generator) -> None:
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.normal_(0.0, 0.03, generator=random).add_(1.0 if name.endswith(_GAINS) else 0.0)
