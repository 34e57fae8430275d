"""The published models, for tests marked `weights`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from sonotype.core.settings import Settings
from sonotype.models.card import Card, read_card
from sonotype.models.registry import Registry
from sonotype.models.runtime import Runtime, load

FAKES = Path(__file__).parents[1] / "data" / "models"


@pytest.fixture(scope="session")
def published() -> Callable[[str], tuple[Card, Path]]:
    """A function from a model's name to its card and its pulled weights."""
    registry = Registry([], Settings().weights_dir)

    def find(name: str) -> tuple[Card, Path]:
        card = registry.get(name)
        weights = registry.weights_path(card)
        if weights is None:
            pytest.fail(f"the weights of {name} are not there; `sonotype models pull {name}` fetches them")
        return card, weights

    return find


@pytest.fixture(scope="session")
def reference(published: Callable[[str], tuple[Card, Path]]) -> Callable[[str], Runtime]:
    """A function from a model's name to the torch reference on CPU in float32, loaded once."""
    return cache(lambda name: load(*published(name), "cpu", "fp32", threads=1, engine="torch"))


@pytest.fixture
def fake_card() -> Callable[[str], Card]:
    """A function from the name of a fake to its card."""
    return lambda name: read_card(FAKES / name / "card.toml")
