"""Small MAEST models for tests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from bench.maest.cards import make_card
from safetensors.torch import save

from sonotype.models.card import Card
from sonotype.models.card_parts import WeightsSpec
from sonotype.models.nets.build import build

OPTIONS = {"columns": 31, "width": 48, "depth": 3, "heads": 3, "blocks": [2]}


def make_model(folder: Path, **options: object) -> tuple[Card, Path]:
    """A card with random weights, large enough that scores differ."""
    card = make_card("maest-tiny", [f"label {n}" for n in range(5)], OPTIONS | options)
    torch.manual_seed(0)
    net = build(card)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    data = save({name: value.contiguous() for name, value in net.state_dict().items()})
    path = folder / "model.safetensors"
    path.write_bytes(data)
    spec = WeightsSpec(sha256=hashlib.sha256(data).hexdigest(), n_parameters=sum(p.numel() for p in net.parameters()))
    return card.model_copy(update={"weights": spec}), path
