"""Cards of MAEST models that are made here: any size, weights of our own or random ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sonotype.models.card import Card
from sonotype.models.card_parts import LicenceSpec
from sonotype.models.zoo.maest_card import maest_card
from sonotype.models.zoo.maest_state import Geometry

_OURS = LicenceSpec(spdx="Apache-2.0", commercial=True, holder="Sonotype")


def make_card(name: str, labels: Sequence[str], options: Mapping[str, Any]) -> Card:
    """A card for the options of `nets.maest.MAEST`."""
    sizes = {option: value for option, value in options.items() if option != "blocks"}
    geometry, blocks = Geometry(n_labels=len(labels), **sizes), options.get("blocks")
    text = "A MAEST made by bench/maest."
    return maest_card(name, geometry, labels=labels, blocks=blocks, description=text, licence=_OURS)
